/* An array that is made as long as the text that is copied into it, beside one that is not. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

void run(char *words);

void command(const char *option)
{
	const char *value = strchr(option, '=');

	if (value) {
		char words[strlen(value) + 1];
		strcpy(words, value); //! none
		run(words);
	}
}

void fixed(const char *option)
{
	const char *value = strchr(option, '=');

	if (value) {
		char words[40];
		strcpy(words, value); //! CWE-120/CWE-787/CWE-121/CWE-119
		run(words);
	}
}

/* Two locks that one helper makes are two locks. */
struct gate {
	pthread_mutex_t mutex;
};

struct settings {
	struct gate *gate;
	int count;
};

struct player {
	struct gate *gate;
	struct settings *own;
	void *plugin;
};

static struct gate *gate_new(void)
{
	struct gate *g = malloc(sizeof *g);

	if (g)
		pthread_mutex_init(&g->mutex, NULL);
	return g;
}

static void enter(struct gate *g)
{
	pthread_mutex_lock(&g->mutex); //! none CWE-764/CWE-667/CWE-833
}

static void leave(struct gate *g)
{
	pthread_mutex_unlock(&g->mutex);
}

static int settings_new(struct settings **out)
{
	struct settings *s = calloc(1, sizeof *s);

	if (!s)
		return -1;
	s->gate = gate_new();
	if (!s->gate) {
		free(s);
		return -1;
	}
	*out = s;
	return 0;
}

static int player_new(struct player **out)
{
	struct player *p = calloc(1, sizeof *p);

	if (!p)
		return -1;
	p->gate = gate_new();
	p->plugin = dlopen("libplayer.so.1", RTLD_NOW);
	if (!p->gate || !p->plugin || settings_new(&p->own) < 0)
		return -1;
	*out = p;
	return 0;
}

static void play(struct player *p, struct settings *s)
{
	enter(p->gate);
	enter(s->gate);
	p->own->count += s->count;
	leave(s->gate);
	leave(p->gate);
}

static int is_up(struct player *p)
{
	int up;

	enter(p->gate);
	up = p->plugin != NULL;
	leave(p->gate);
	return up;
}

int again(struct player *p)
{
	int up;

	enter(p->gate);
	up = is_up(p); //! CWE-764/CWE-667/CWE-833
	leave(p->gate);
	return up;
}

int main(void)
{
	struct player *p = NULL;
	struct settings *s = NULL;

	if (player_new(&p) < 0 || settings_new(&s) < 0)
		return 1;
	play(p, s); //! none CWE-764/CWE-667/CWE-833
	return 0;
}
