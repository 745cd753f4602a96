// What was made by new and filled is known by its class; its timer is in the main loop when the module goes.
#include <glib.h>
#include <gmodule.h>

struct ProbeOps {
    gboolean (*read)(double *value);
};

struct Probe {
    GModule *module;
    const ProbeOps *ops;
    guint source;
};

static gboolean on_time(gpointer data)
{
    auto *p = static_cast<Probe *>(data);
    double value = 0;
    return p->ops->read(&value);
}

Probe *probe_open(const char *path)
{
    GModule *module = g_module_open(path, G_MODULE_BIND_LOCAL);
    gpointer found = nullptr;

    if (module == nullptr)
        return nullptr;
    if (!g_module_symbol(module, "probe_ops", &found) || found == nullptr) {
        g_module_close(module);
        return nullptr;
    }
    auto *p = new Probe;
    p->module = module;
    p->ops = static_cast<const ProbeOps *>(found);
    p->source = g_timeout_add(500, on_time, p);
    return p;
}

void probe_close(Probe *p)
{
    g_module_close(p->module); //! CWE-672
    delete p;
}
