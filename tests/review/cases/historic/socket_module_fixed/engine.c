#include <dlfcn.h>
#include "daemon.h"

int start_engine(struct daemon *daemon)
{
    daemon->engine = dlopen(daemon->engine_path, RTLD_NOW); //! none
    return daemon->engine ? 0 : -1;
}
