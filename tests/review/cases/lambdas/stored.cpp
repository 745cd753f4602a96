// What a stored lambda does to the variables around it happens where it is called.
#include <cstdlib>
#include <dlfcn.h>
#include <functional>

using Run = int (*)(int);

int path_given()
{
    const char *path = getenv("CODEC");
    auto load = [](const char *from) { return dlopen(from, RTLD_NOW); }; //! CWE-114
    void *library = load(path);
    if (!library)
        return 1;
    dlclose(library);
    return 0;
}

int path_captured()
{
    const char *path = getenv("CODEC");
    auto load = [path] { return dlopen(path, RTLD_NOW); }; //! CWE-114
    void *library = load();
    if (!library)
        return 1;
    dlclose(library);
    return 0;
}

int fixed_path()
{
    auto load = [](const char *from) { return dlopen(from, RTLD_NOW); }; //! none CWE-114
    void *library = load("/usr/lib/codec/libcodec.so.1");
    if (!library)
        return 1;
    dlclose(library);
    return 0;
}

int called_after_unload()
{
    void *library = dlopen("/usr/lib/codec/libcodec.so.1", RTLD_NOW);
    if (!library)
        return 1;
    std::function<void()> unload = [library] { dlclose(library); };
    Run run = reinterpret_cast<Run>(dlsym(library, "codec_run"));
    if (!run) {
        unload();
        return 1;
    }
    unload();
    return run(3); //! CWE-416
}

int called_before_unload()
{
    void *library = dlopen("/usr/lib/codec/libcodec.so.1", RTLD_NOW);
    if (!library)
        return 1;
    auto unload = [&library] { dlclose(library); };
    Run run = reinterpret_cast<Run>(dlsym(library, "codec_run"));
    if (!run) {
        unload();
        return 1; //! none CWE-772
    }
    int result = run(3); //! none CWE-416
    unload();
    return result; //! none CWE-772
}

int closed_twice()
{
    void *library = dlopen("/usr/lib/codec/libcodec.so.1", RTLD_NOW);
    if (!library)
        return 1;
    auto unload = [&] { dlclose(library); };
    unload();
    dlclose(library); //! CWE-675
    return 0;
}

int closed_once()
{
    void *library = dlopen("/usr/lib/codec/libcodec.so.1", RTLD_NOW);
    if (!library)
        return 1;
    auto unload = [&] {
        if (library)
            dlclose(library); //! none CWE-675
        library = nullptr;
    };
    unload();
    unload();
    return 0;
}

int left_open(int count)
{
    void *library = dlopen("/usr/lib/codec/libcodec.so.1", RTLD_NOW);
    if (!library)
        return 1;
    auto unload = [&] { dlclose(library); };
    if (count < 0)
        return 2; //! CWE-772
    unload();
    return 0;
}

int copied_before_it_changed()
{
    void *library = dlopen("/usr/lib/codec/libcodec.so.1", RTLD_NOW);
    if (!library)
        return 1;
    auto unload = [=] { dlclose(library); };
    library = nullptr;
    unload();
    return 0; //! none CWE-476
}

int handed_on(std::function<void()> &later)
{
    void *library = dlopen("/usr/lib/codec/libcodec.so.1", RTLD_NOW);
    if (!library)
        return 1;
    auto unload = [library] { dlclose(library); };
    later = unload;
    return 0; //! none CWE-772
}
