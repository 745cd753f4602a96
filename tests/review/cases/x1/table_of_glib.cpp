// a table that a lookup fills through a pointer, whose version nobody reads
#include <gmodule.h>
struct Operations {
    guint version;
    gpointer (*create)(void);
    void (*destroy)(gpointer self);
};
gpointer make(GModule *module)
{
    gpointer symbol = nullptr;
    if (!g_module_symbol(module, "panel_operations", &symbol))
        return nullptr;
    const Operations *operations = static_cast<const Operations *>(symbol); //! CWE-843
    return operations->create();
}
