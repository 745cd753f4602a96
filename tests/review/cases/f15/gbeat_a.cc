// gbeat: GLib main loop host of beat detectors.
#include <glib.h>
#include <gmodule.h>

#include <string>

namespace gbeat {

struct Detector {
    GModule* module = nullptr;
    guint source = 0;
    GSourceFunc tick = nullptr;
    gpointer (*create)(const char* args) = nullptr;
    void (*destroy)(gpointer) = nullptr;
    gpointer state = nullptr;
};

Detector* detector_open(const char* name, const char* args)
{
    const char* dir = g_getenv("GBEAT_MODULES");
    std::string file = std::string(dir ? dir : "/usr/lib/gbeat") + "/" + name + "." G_MODULE_SUFFIX;
    GModule* m = g_module_open(file.c_str(), G_MODULE_BIND_LOCAL); //! CWE-73
    if (!m) {
        g_warning("%s", g_module_error());
        return nullptr;
    }
    auto* d = new Detector;
    d->module = m;
    if (!g_module_symbol(m, "beat_tick", reinterpret_cast<gpointer*>(&d->tick)) ||
        !g_module_symbol(m, "beat_create", reinterpret_cast<gpointer*>(&d->create)) ||
        !g_module_symbol(m, "beat_destroy", reinterpret_cast<gpointer*>(&d->destroy)) || !d->tick || !d->create || !d->destroy) {
        delete d;
        return nullptr;
    }
    d->state = d->create(args);
    d->source = g_timeout_add(40, d->tick, d->state);
    return d;
}

void detector_close(Detector* d)
{
    if (!d)
        return;
    d->destroy(d->state);
    g_module_close(d->module); //! CWE-672
    delete d;
}

}  // namespace gbeat
