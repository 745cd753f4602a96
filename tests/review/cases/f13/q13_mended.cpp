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
    int v = f();
    lib.unload();
    return v;  //! none
}
class Filters {
public:
    bool use(const std::string &file)
    {
        try {
            loader_.loadLibrary(file);
            filter_ = loader_.create("MainFilter");
        } catch (Poco::Exception &e) {
            std::cerr << e.displayText() << std::endl;
            return false;
        }
        return true;  //! none
    }
    void drop(const std::string &file)
    {
        delete filter_;
        loader_.unloadLibrary(file);  //! none
        filter_ = nullptr;
    }
private:
    Poco::ClassLoader<Filter> loader_;
    Filter *filter_ = nullptr;
};
