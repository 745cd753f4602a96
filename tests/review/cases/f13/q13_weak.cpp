// Poco host
#include <Poco/ClassLoader.h>
#include <Poco/SharedLibrary.h>
#include <Poco/Exception.h>
#include <iostream>
#include <string>
#include "filter.h"
using Poco::SharedLibrary;
typedef int (*LevelFn)();
int level(const std::string &file)
{
    SharedLibrary lib(file);
    LevelFn f = (LevelFn)lib.getSymbol("level");
    lib.unload();
    return f();  //! CWE-416
}
class Filters {
public:
    bool use(const std::string &file)
    {
        try {
            loader_.loadLibrary(file);
            filter_ = loader_.create("MainFilter");
        } catch (Poco::Exception &) {  //! CWE-390
        }
        return true;
    }
    void drop(const std::string &file)
    {
        loader_.unloadLibrary(file);
        delete filter_;  //! CWE-416
        filter_ = nullptr;
    }
private:
    Poco::ClassLoader<Filter> loader_;
    Filter *filter_ = nullptr;
};
