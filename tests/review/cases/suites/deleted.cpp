#include <dlfcn.h>
#include <vector>

struct Track { int id; };
class Codec { public: Codec(); ~Codec(); int rate; };

void twice(bool loud)
{
    void *codec = dlopen("libcodec.so.1", RTLD_NOW);
    int *rates = new int[8];
    Track *track = new Track;
    Codec *one = new Codec();
    delete[] rates;
    if (loud)
        delete track;
    delete one;
    if (codec != nullptr)
        dlclose(codec);
    delete[] rates; //! CWE-415
    delete track; //! CWE-415
    delete one; //! CWE-415
}

void once(bool loud, int n)
{
    void *codec = dlopen("libcodec.so.1", RTLD_NOW);
    Track *track = new Track;
    if (loud) {
        delete track;
        track = nullptr;
    }
    delete track; //! none
    Track *other = nullptr;
    for (int i = 0; i < n; i++) {
        delete other; //! none
        other = new Track;
    }
    delete other; //! none
    Track *third = new Track;
    bool gone = false;
    if (n > 3) {
        delete third;
        gone = true;
    }
    if (!gone)
        delete third; //! none
    std::vector<Track *> all;
    for (int i = 0; i < n; i++)
        all.push_back(new Track);
    for (Track *t : all)
        delete t; //! none
    for (int i = 0; i < n; i++) {
        int *room = new int[4];
        if (i == 2) {
            delete[] room;
            continue;
        }
        delete[] room; //! none
    }
    Track *rows[4];
    for (int i = 0; i < 4; i++)
        rows[i] = new Track;
    delete rows[0];
    delete rows[1]; //! none
    for (int i = 2; i < 4; i++)
        delete rows[i]; //! none
    if (codec != nullptr)
        dlclose(codec);
}

class Loader { public: void *open(const char *name); bool unload(); void *handle; };

static Track *kept;

void let_go()
{
    Track *gone = kept;
    delete gone; //! none CWE-415/CWE-416
}

bool unloaded_first(const char *name)
{
    Loader *loader = new Loader;
    kept = new Track;
    let_go();
    if (loader->open(name) == nullptr) {
        loader->unload();
        delete loader; //! none
        return false;
    }
    delete loader; //! none CWE-415
    return dlopen("libcodec.so.1", RTLD_NOW) != nullptr;
}
