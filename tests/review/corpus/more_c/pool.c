#include <apr_dso.h>
#include <apr_pools.h>

apr_status_t load(apr_pool_t *pool, const char *path)
{
    apr_dso_handle_t *dso;
    apr_dso_handle_sym_t sym;
    apr_status_t rv = apr_dso_load(&dso, path, pool);
    if (rv != APR_SUCCESS)
        return rv;
    rv = apr_dso_sym(&sym, dso, "entry");
    if (rv != APR_SUCCESS)
        return rv;
    ((void (*)(void))sym)();
    return APR_SUCCESS;
}
