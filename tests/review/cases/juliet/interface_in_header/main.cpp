#include "filter.h"
#include <cstdlib>

void start()
{
    Filter *filter = new PluginFilter;
    filter->run(std::getenv("FILTER"));
    delete filter;
}
