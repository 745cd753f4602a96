/* a variable keeps whether both were found */
#include <gmodule.h>
typedef void (*step_fn)(void);

int run_both(GModule *m)
{
    gpointer first, second;
    int valid = g_module_symbol(m, "first", &first) && g_module_symbol(m, "second", &second);
    if (!valid)
        return -1;
    step_fn one = first, two = second;
    one(); //! none
    two(); //! none
    return 0;
}

int run_one(GModule *m)
{
    gpointer first;
    int seen = g_module_symbol(m, "first", &first);
    step_fn one = first;
    one(); //! CWE-690
    return seen;
}
