// Function pointers as they are declared by hand: without a parameter, with a class before the star, in a condition.
#include <dlfcn.h>

class Plugin;
struct Options;
namespace host {
class Codec;
}

int no_parameter(void *library) {
    int (*go)() = (int (*)())dlsym(library, "go");
    return go();  //! CWE-690
}

int no_parameter_tested(void *library) {
    int (*go)() = (int (*)())dlsym(library, "go");  //! none CWE-252
    if (!go)
        return -1;
    return go();  //! none CWE-690
}

Plugin *factory(void *library) {
    Plugin *(*make)() = reinterpret_cast<Plugin *(*)()>(dlsym(library, "make"));
    return make();  //! CWE-690
}

Plugin *factory_tested(void *library) {
    Plugin *(*make)(Options) = reinterpret_cast<Plugin *(*)(Options)>(dlsym(library, "make"));  //! none CWE-252
    return make ? make(Options()) : nullptr;  //! none CWE-690
}

host::Codec **scoped(void *library) {
    host::Codec **(*all)() = (host::Codec **(*)())dlsym(library, "all");
    return all();  //! CWE-690
}

int in_a_condition(void *library) {
    if (int (*go)() = (int (*)())dlsym(library, "go"))  //! none CWE-252
        return go();  //! none CWE-690
    return -1;
}

int after_the_close(const char *path) {
    void *library = dlopen(path, RTLD_NOW);
    if (!library)
        return -1;
    void (*stop)() = (void (*)())dlsym(library, "stop");
    dlclose(library);
    if (stop)
        stop();  //! CWE-416
    return 0;
}
