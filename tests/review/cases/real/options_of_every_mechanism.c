#include <dlfcn.h>
#include <stddef.h>

struct mechanism {
    int (*lib_set_credential_option)(void *credential, int option);
    int (*lib_check_credential)(void *credential);
};
extern struct mechanism *mechanisms[];
extern int count;

int set_credential_option(void *credential, int option)
{
    int status = 0;
    for (int i = 0; i < count; i++) {
        struct mechanism *one = mechanisms[i];
        if (one->lib_set_credential_option == NULL) //! none CWE-636
            continue;
        status = one->lib_set_credential_option(credential, option);
        if (status != 0)
            break;
    }
    return status;
}

int check_credential(void *credential)
{
    for (int i = 0; i < count; i++) {
        struct mechanism *one = mechanisms[i];
        if (one->lib_check_credential == NULL) //! CWE-636
            continue;
        if (one->lib_check_credential(credential) != 0)
            return -1;
    }
    return 0;
}

void *open_mechanism(const char *path) { return dlopen(path, RTLD_NOW | RTLD_LOCAL); }
