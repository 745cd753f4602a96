/* What is written into the middle of a text becomes a part of it; what is asked character by character does not. */
#include <ctype.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

void *behind_a_length(void)
{
    char *path;
    char room[120] = "";
    path = room;
    size_t used = strlen(path);
    char *wanted = getenv("CHART_ENGINE");
    if (wanted != NULL)
        strncat(path + used, wanted, 120 - used - 1);
    return dlopen(path, RTLD_NOW); //! CWE-114/CWE-22/CWE-73
}

void *at_an_element(int peer)
{
    char path[120] = "/opt/charts/";
    ssize_t got = recv(peer, &path[12], 100, 0);
    if (got < 0)
        return NULL;
    path[12 + got] = '\0';
    return dlopen(path, RTLD_NOW); //! CWE-114/CWE-22/CWE-73
}

void *letter_by_letter(const char *unused)
{
    char path[120], *end = path;
    const char *wanted = getenv("CHART_ENGINE");
    if (wanted == NULL)
        return NULL;
    while (end < path + 119 && (*end++ = *wanted++) != '\0')
        ;
    return dlopen(path, RTLD_NOW); //! CWE-114/CWE-22/CWE-73
}

void *where_the_last_copy_ended(void)
{
    char path[120];
    const char *wanted = getenv("CHART_ENGINE");
    if (wanted == NULL || strlen(wanted) > 90)
        return NULL;
    stpcpy(stpcpy(path, "/opt/charts/"), wanted);
    return dlopen(path, RTLD_NOW); //! CWE-114/CWE-22/CWE-73
}

void *through_a_second_pointer(FILE *list)
{
    char path[120] = "/opt/charts/", *slash = strrchr(path, '/');
    if (slash == NULL || fgets(slash + 1, 100, list) == NULL)
        return NULL;
    return dlopen(path, RTLD_NOW); //! CWE-114/CWE-22/CWE-73
}

void *only_letters(void)
{
    char name[40];
    size_t length = 0;
    const char *wanted = getenv("CHART_ENGINE");
    for (; wanted != NULL && *wanted && length < 39; wanted++)
        name[length++] = isalnum((unsigned char)*wanted) ? *wanted : '_';
    name[length] = '\0';
    char path[120];
    snprintf(path, sizeof path, "/opt/charts/%s.so", name);
    return dlopen(path, RTLD_NOW); //! none
}

void *two_arrays_that_begin_alike(void)
{
    char title[120] = "", path[120] = "";
    const char *wanted = getenv("CHART_TITLE");
    if (wanted != NULL)
        strncat(title, wanted, 119);
    puts(title);
    strcpy(path, "/opt/charts/libchart.so");
    return dlopen(path, RTLD_NOW); //! none
}
