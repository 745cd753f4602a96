#include "engine.h"
#include <cstdlib>

int main()
{
    Engine engine(std::getenv("ENGINE"));
    void *second = second_engine(std::getenv("SECOND"));
    if (second == nullptr || !engine.works())
        return 1;
    dlclose(second);
    return 0;
}
