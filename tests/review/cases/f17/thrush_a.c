/* thrush: players share one output library; TLS holds the stream of a thread. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_key_t key;
static void *out;
static void *(*stream_new)(int rate);
static void (*stream_free)(void *);
static int (*stream_put)(void *, const short *, int);

int thrush_start(void)
{
	out = dlopen("libthrush-out.so", RTLD_NOW);
	if (!out)
		return -1;
	stream_new = dlsym(out, "stream_new");
	stream_free = dlsym(out, "stream_free");
	stream_put = dlsym(out, "stream_put");
	if (!stream_new || !stream_free || !stream_put) {
		dlclose(out);
		out = NULL;
		return -1;
	}
	if (pthread_key_create(&key, stream_free) != 0) {
		dlclose(out);
		out = NULL;
		return -1;
	}
	return 0;
}

int thrush_play(const short *pcm, int n)
{
	void *s = pthread_getspecific(key);

	if (!s) {
		s = stream_new(48000);
		if (!s)
			return -1;
		if (pthread_setspecific(key, s) != 0) {
			stream_free(s);
			return -1;
		}
	}
	return stream_put(s, pcm, n);
}

void thrush_stop(void)
{
	if (!out)
		return;
	dlclose(out);  //! CWE-672
	out = NULL;
}
