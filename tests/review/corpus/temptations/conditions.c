#include <dlfcn.h>
#include <glib.h>
#include <gmodule.h>
#include <sys/stat.h>

#define cast_entry(p) (__extension__ (entry_t)(p))

typedef int (*entry_t)(void);

/* The test is inside a word for the compiler. */
entry_t resolve(void *library, const char *name)
{
    entry_t entry = cast_entry(dlsym(library, name));
    if (l_unlikely(entry == NULL))
        report(dlerror());
    return entry;
}

/* A macro that leaves is the test. */
int version(void *library)
{
    entry_t entry = (entry_t)dlsym(library, "version");
    g_return_val_if_fail(entry != NULL, -1);
    return entry();
}

/* Success shows in what the call fills in. */
int query(GModule *module)
{
    entry_t entry;
    g_module_symbol(module, "query", (gpointer) &entry);
    if (!entry)
        return -1;
    return entry();
}

/* The only way to read the mask. */
mode_t mask_of_process(void)
{
    mode_t old = umask(0);
    umask(old);
    return old;
}

/* No handle is the only way to an error. */
void *loaded(const wchar_t *name, int *error)
{
    HMODULE module = LoadLibraryExW(name, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    int failed = module ? 0 : GetLastError();
    if (failed == ERROR_MOD_NOT_FOUND) {
        *error = failed;
        return NULL;
    }
    return module;
}

/* A number that is made from text and cast to a number. */
uint32_t number(void *library, const char *text)
{
    char *end = NULL;
    uint32_t value = (uint32_t)strtoul(text, &end, 0);
    report((size_t)value);
    return value;
}
