#define LONGEST 4096

struct settings {
    char file_name[LONGEST];
    char title[256];
    char *comment;
};

extern struct settings settings;

struct mode {
    int number;
    const char *text;
};

const struct mode *mode_of(int number, const struct mode *all);
