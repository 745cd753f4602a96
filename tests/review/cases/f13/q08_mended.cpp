// glib host
#include <gmodule.h>
#include <glib.h>
#include <string.h>
typedef gboolean (*InitFunc)(gpointer);
struct Ext { GModule *mod; gchar *id; };
static GList *exts;
G_LOCK_DEFINE_STATIC(exts);
Ext *ext_open(const gchar *dir, const gchar *id)
{
    gpointer p = NULL;
    if (*id == '\0' || strchr(id, G_DIR_SEPARATOR) != NULL)
        return NULL;  //! none
    gchar *path = g_module_build_path(dir, id);
    GModule *m = g_module_open(path, G_MODULE_BIND_LOCAL);
    g_free(path);
    if (m == NULL) {
        g_warning("%s", g_module_error());
        return NULL;
    }
    if (!g_module_symbol(m, "ext_init", &p) || p == NULL) {
        g_module_close(m);
        return NULL;
    }
    InitFunc init = (InitFunc)p;
    if (!init(NULL)) {
        g_module_close(m);
        return NULL;
    }  //! none
    Ext *e = g_new0(Ext, 1);
    e->mod = m;
    e->id = g_strdup(id);
    G_LOCK(exts);
    exts = g_list_prepend(exts, e);
    G_UNLOCK(exts);
    return e;
}
gboolean ext_close(Ext *e)
{
    G_LOCK(exts);
    if (g_list_find(exts, e) == NULL) {
        G_UNLOCK(exts);
        return FALSE;  //! none
    }
    exts = g_list_remove(exts, e);
    G_UNLOCK(exts);
    g_module_close(e->mod);
    g_free(e->id);
    g_free(e);
    return TRUE;
}
int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    Ext *e = ext_open("/usr/lib/host", argv[1]);
    return e && ext_close(e) ? 0 : 1;
}
