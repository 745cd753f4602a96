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
    if (!g_regex_match_simple("^[a-z0-9]+$", name, static_cast<GRegexCompileFlags>(0), static_cast<GRegexMatchFlags>(0)))
        return nullptr;
    std::string file = std::string("/usr/lib/gbeat/") + name + "." G_MODULE_SUFFIX;
    GModule* m = g_module_open(file.c_str(), G_MODULE_BIND_LOCAL);
    if (!m) {
        g_warning("%s", g_module_error());
        return nullptr;
    }
    auto* d = new Detector;
    d->module = m;
    if (!g_module_symbol(m, "beat_tick", reinterpret_cast<gpointer*>(&d->tick)) ||
        !g_module_symbol(m, "beat_create", reinterpret_cast<gpointer*>(&d->create)) ||
        !g_module_symbol(m, "beat_destroy", reinterpret_cast<gpointer*>(&d->destroy)) || !d->tick || !d->create || !d->destroy) {
        g_module_close(m); //! none
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
    g_source_remove(d->source);
    d->destroy(d->state);
    g_module_close(d->module); //! none
    delete d;
}

}  // namespace gbeat
