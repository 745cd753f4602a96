#include <glib.h>
#include <gmodule.h>

static GHashTable *modules;

GModule *for_session(const char *session, const char *name)
{
    GModule *found = g_hash_table_lookup(modules, name); //! CWE-706
    if (found)
        return found;
    gchar *path = g_strdup_printf("/usr/lib/app/%s/%s.so", session, name);
    found = g_module_open(path, G_MODULE_BIND_LOCAL);
    g_free(path);
    if (found)
        g_hash_table_insert(modules, g_strdup(name), found);
    return found;
}

GModule *by_name(const char *name, const char *why)
{
    GModule *found = g_hash_table_lookup(modules, name); //! none CWE-706
    if (found)
        return found;
    g_debug("%s: %s", name, why);
    gchar *path = g_strdup_printf("/usr/lib/app/%s.so", name);
    found = g_module_open(path, G_MODULE_BIND_LOCAL);
    g_free(path);
    if (found)
        g_hash_table_insert(modules, g_strdup(name), found);
    return found;
}
