// GLib/GTK panel plugins with timers and signals
#include <gmodule.h>
#include <gtk/gtk.h>
typedef gboolean (*TickFn)(gpointer);
struct Applet { GModule *module; TickFn tick; guint timer; gulong handler; GtkWidget *widget; };
Applet *applet_start(const char *path, GtkWidget *panel)
{
    GModule *m = g_module_open(path, (GModuleFlags)(G_MODULE_BIND_LAZY | G_MODULE_BIND_LOCAL));
    gpointer p = NULL;
    if (m == NULL) {
        g_warning("%s", g_module_error());
        return NULL;
    }
    if (!g_module_symbol(m, "applet_tick", &p) || p == NULL) {
        g_module_close(m);
        return NULL;
    }
    Applet *a = g_new0(Applet, 1);
    a->module = m;
    a->tick = (TickFn)p;
    a->timer = g_timeout_add(1000, a->tick, a);
    a->widget = panel;
    return a;
}
void applet_stop(Applet *a)
{
    g_source_remove(a->timer);
    g_module_close(a->module);  //! none
    g_free(a);
}
