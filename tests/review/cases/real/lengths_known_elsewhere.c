/* Texts whose length the program knows: a callers' literal, a table of options, a literal set just before. */

#include <dlfcn.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static char *names[4];

static void ask(int number, const char *suffix)
{
    char prompt[40];

    sprintf(prompt, "PIN %d%s: ", number, suffix); //! none
    puts(prompt);
}

static void ask_for(int number, const char *whose)
{
    char prompt[40];

    sprintf(prompt, "PIN %d of %s: ", number, whose); //! CWE-120/787
    puts(prompt);
}

void usage(const struct option options[])
{
    for (int i = 0; options[i].name; i++) {
        char line[60];

        sprintf(line, "    --%s", options[i].name); //! none
        puts(line);
    }
}

void key(int known, const char *given)
{
    const char *prompt;

    for (;;) {
        char line[200];

        prompt = "Key";
        if (known) {
            sprintf(line, "%s [default]", prompt); //! none
            prompt = line;
        }
        puts(prompt);
        if (given[0] == '+')
            prompt = given;
        sprintf(line, "%s?", prompt); //! CWE-120/787
    }
}

void name_of(int n)
{
    if (names[n] == NULL)
        names[n] = malloc(10);
}

int main(int argc, char **argv)
{
    void *library = dlopen("/usr/lib/pin/pin.so", RTLD_NOW);

    if (library == NULL)
        return 1;
    ask(1, "");
    ask(2, "(again)");
    ask_for(1, "nobody");
    ask_for(argc, argv[0]);
    for (int n = 0; n < 4; n++)
        free(names[n]); //! none
    return 0;
}
