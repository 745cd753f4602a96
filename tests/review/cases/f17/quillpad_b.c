/* quillpad: spell checking through an optional library. */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Dict Dict;

static void *spell;
static Dict *(*dict_open)(const char *lang);
static int  (*dict_check)(Dict *, const char *, size_t);
static void (*dict_free)(Dict *);

static int bind(const char *name, void *slot)
{
	void *p;

	dlerror();
	p = dlsym(spell, name);  //! none
	if (dlerror() != NULL)
		return -1;
	memcpy(slot, &p, sizeof p);  //! none
	return 0;
}

int spell_init(void)
{
	if (spell)
		return 0;
	spell = dlopen("libhunspell-1.7.so.0", RTLD_LAZY);  //! none
	if (!spell)
		return -1;
	if (bind("qp_dict_open", &dict_open) || bind("qp_dict_check", &dict_check) ||
	    bind("qp_dict_free", &dict_free)) {
		dlclose(spell);  //! none
		spell = NULL;
		return -1;
	}
	return 0;
}

int spell_word(const char *lang, const char *w)
{
	Dict *d;
	int ok;

	if (spell_init() != 0)
		return 1;
	d = dict_open(lang);
	if (!d)
		return 1;
	ok = dict_check(d, w, strlen(w));
	dict_free(d);  //! none
	return ok;
}
