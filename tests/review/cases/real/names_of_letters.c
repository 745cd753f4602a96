/* Names whose characters are looked at, one by one, before a path is made of them. */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool among(const char *s)
{
	size_t i;

	for (i = 0; s[i]; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", s[i]))
			return false;
	return i > 0;
}

static bool no_slash(const char *s)
{
	for (; *s; s++)
		if (strchr("/\\", *s))
			return false;
	return true;
}

static bool no_shell(const char *s)
{
	for (; *s; s++)
		if (strchr(";|&", *s))
			return false;
	return true;
}

static bool with_slashes(const char *s)
{
	for (; *s; s++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz./", *s))
			return false;
	return true;
}

static bool walked(const char *name)
{
	const char *p;

	for (p = name; *p != '\0'; p++)
		if ((*p < 'a' || *p > 'z') && *p != '_')
			return false;
	return true;
}

static bool words(const char *name)
{
	const char *p;
	char last = '/';

	for (p = name; *p != '\0'; last = *p++)
		if (*p == '/' ? last == '/' : (*p < 'a' || *p > 'z') && *p != '_')
			return false;
	return last != '/';
}

static bool copied(const char *name)
{
	const char *p;

	for (p = name; *p; p++) {
		char c = *p;
		if (!((c >= 'a' && c <= 'z') || c == '_'))
			return false;
	}
	return true;
}

void *load_among(void)
{
	const char *name = getenv("PLUGIN");
	char path[256];

	if (!name || !among(name))
		return NULL;
	snprintf(path, sizeof path, "/opt/player/%s.so", name);
	return dlopen(path, RTLD_NOW); //! none
}

void *load_no_slash(void)
{
	const char *name = getenv("PLUGIN");
	char path[256];

	if (!name || !no_slash(name))
		return NULL;
	snprintf(path, sizeof path, "/opt/player/%s.so", name);
	return dlopen(path, RTLD_NOW); //! none
}

void *load_no_shell(void)
{
	const char *name = getenv("PLUGIN");
	char path[256];

	if (!name || !no_shell(name))
		return NULL;
	snprintf(path, sizeof path, "/opt/player/%s.so", name);
	return dlopen(path, RTLD_NOW); //! CWE-22
}

void *load_with_slashes(void)
{
	const char *name = getenv("PLUGIN");
	char path[256];

	if (!name || !with_slashes(name))
		return NULL;
	snprintf(path, sizeof path, "/opt/player/%s.so", name);
	return dlopen(path, RTLD_NOW); //! CWE-22
}

void *load_walked(void)
{
	const char *name = getenv("PLUGIN");
	char path[256];

	if (!name || !walked(name))
		return NULL;
	snprintf(path, sizeof path, "/opt/player/%s.so", name);
	return dlopen(path, RTLD_NOW); //! none
}

void *load_words(void)
{
	const char *name = getenv("PLUGIN");
	char path[256];

	if (!name || !words(name))
		return NULL;
	snprintf(path, sizeof path, "/opt/player/%s.so", name);
	return dlopen(path, RTLD_NOW); //! none
}

void *load_copied(void)
{
	const char *name = getenv("PLUGIN");
	char path[256];

	if (!name || !copied(name))
		return NULL;
	snprintf(path, sizeof path, "/opt/player/%s.so", name);
	return dlopen(path, RTLD_NOW); //! none
}
