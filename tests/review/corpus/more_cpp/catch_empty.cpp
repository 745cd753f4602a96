#include <boost/dll.hpp>

void start()
{
    try {
        boost::dll::shared_library lib("/usr/lib/a.so");
        lib.get<void()>("start")();
    } catch (...) { // expect: CWE-390
    }
}
