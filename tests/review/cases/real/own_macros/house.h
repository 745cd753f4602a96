#ifndef HOUSE_H
#define HOUSE_H
#include <stdlib.h>
#define g_free free
#define g_new0(type, number) ((type *)calloc(number, sizeof(type)))
#endif
