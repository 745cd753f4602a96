#include <gmodule.h>

typedef void (*start_func)(void);

gboolean start(const gchar *file)
{
    GModule *module = g_module_open(file, G_MODULE_BIND_LAZY | G_MODULE_BIND_LOCAL);
    start_func run = NULL;
    if (module == NULL) {
        g_warning("%s", g_module_error());
        return FALSE;
    }
    g_module_symbol(module, "start", (gpointer *)&run);
    run(); /* expect: CWE-690 */
    g_module_close(module);
    return TRUE;
}
