/* lanternd: display server helper. Outputs are driven by loadable backends. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct backend_ops {
	int  (*probe)(int card);
	void (*commit)(int card, const void *fb);
	void (*quit)(void);
};

struct output {
	int card;
	const struct backend_ops *ops;
	void *lib;
	pthread_t vsync;
	volatile int running;
	const void *fb;
};

static void *vsync_main(void *p)
{
	struct output *o = p;

	while (o->running) {
		o->ops->commit(o->card, o->fb);
		usleep(16666);
	}
	return NULL;
}

struct output *output_open(int card, const char *backend)
{
	static const char *const known[] = { "kms", "fbdev", "virtio", NULL };
	char path[128];
	struct output *o;
	int i;

	for (i = 0; known[i]; i++)
		if (strcmp(known[i], backend) == 0)
			break;
	if (!known[i])
		return NULL;
	snprintf(path, sizeof path, "/usr/lib/lanternd/%s.so", known[i]);
	o = calloc(1, sizeof *o);
	if (!o)
		return NULL;
	o->lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!o->lib) {
		fprintf(stderr, "lanternd: %s\n", dlerror());
		free(o);
		return NULL;
	}
	o->ops = dlsym(o->lib, "lantern_backend");
	if (!o->ops || !o->ops->commit || !o->ops->probe || o->ops->probe(card) != 0) {
		dlclose(o->lib);
		free(o);
		return NULL;
	}
	o->card = card;
	o->running = 1;
	if (pthread_create(&o->vsync, NULL, vsync_main, o) != 0) {
		dlclose(o->lib);
		free(o);
		return NULL;
	}
	return o;
}

void output_close(struct output *o)
{
	o->running = 0;
	if (o->ops->quit)
		o->ops->quit();
	dlclose(o->lib);  //! CWE-672
	pthread_join(o->vsync, NULL);
	free(o);
}
