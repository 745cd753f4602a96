#include "load.h"

struct Wanted
{
    const char * path;
    int type;
    Header * header;
    bool loaded;
};

const void * header_of(Wanted * wanted)
{
    if (!wanted->loaded)
    {
        Header * header = load(wanted->path);
        if (header && header->type == wanted->type)
            wanted->header = header;
        wanted->loaded = true;
    }
    return wanted->header; //! none CWE-772
}

bool start(Wanted * wanted)
{
    Header * header = load(wanted->path);
    if (!header)
        return false; //! none CWE-772
    return header->init() == 0; //! none CWE-772
}
