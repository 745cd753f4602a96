/* gantry: loads codecs by number; the registry grows on demand. */
#include <dlfcn.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct codec {
	void *lib;
	int (*decode)(const uint8_t *in, size_t n, uint8_t *out, size_t *outlen);
};

static struct codec **slots;
static int nslots;

static int reserve(int id)
{
	struct codec **p;

	if (id < nslots)
		return 0;
	slots = realloc(slots, (id + 1) * sizeof *slots);
	if (!slots)
		return -1;
	p = slots + nslots;
	memset(p, 0, (id + 1 - nslots) * sizeof *p);
	nslots = id + 1;
	return 0;
}

int codec_load(int id)
{
	char path[64];
	struct codec *c;

	if (reserve(id) != 0)
		return -1;
	if (slots[id])
		return 0;
	c = malloc(sizeof *c);
	if (!c)
		return -1;
	sprintf(path, "/usr/lib/gantry/codec-%d.so", id);
	c->lib = dlopen(path, RTLD_LAZY);
	if (!c->lib) {
		return -1;  //! CWE-401
	}
	c->decode = (int (*)(const uint8_t *, size_t, uint8_t *, size_t *))dlsym(c->lib, "decode");
	if (!c->decode) {
		dlclose(c->lib);
		free(c);
		return -1;
	}
	slots[id] = c;
	return 0;
}

int codec_decode(int id, const uint8_t *in, size_t n, uint8_t out[4096])
{
	size_t len;

	if (id < 0 || id >= nslots || !slots[id])
		return -1;
	if (slots[id]->decode(in, n, out, &len) != 0)
		return -1;
	return (int)len;
}

void codec_unload(int id)
{
	if (id < 0 || id >= nslots || !slots[id])
		return;
	dlclose(slots[id]->lib);
	free(slots[id]);  //! CWE-416
}
