// Blocks of members, containers that may be empty, lengths cut short, single objects taken for arrays.
#include <dlfcn.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

struct handles {
    void **all;
    size_t used;
    size_t room;
};

int handles_add(handles *kept, void *handle) {
    if (kept->used > kept->room) {
        void **more = static_cast<void **>(realloc(kept->all, (kept->room + 16) * sizeof *more));
        if (more == nullptr)
            return -1;
        kept->all = more;
        kept->room += 16;
    }
    kept->all[kept->used++] = handle; //! CWE-787
    return 0;
}

int handles_add_in_room(handles *kept, void *handle) {
    if (kept->used >= kept->room) {
        void **more = static_cast<void **>(realloc(kept->all, (kept->room + 16) * sizeof *more));
        if (more == nullptr)
            return -1;
        kept->all = more;
        kept->room += 16;
    }
    kept->all[kept->used++] = handle; //! none CWE-787
    return 0;
}

class Loader {
public:
    void *latest() { return libraries_[libraries_.size() - 1]; } //! CWE-125
    void *latest_or_none() {
        return libraries_.empty() ? nullptr : libraries_[libraries_.size() - 1]; //! none CWE-125
    }
    void *at(size_t index) {
        if (index > libraries_.size())
            return nullptr;
        return libraries_[index]; //! CWE-125
    }
    bool has_slash(const std::string &folder) {
        return !folder.empty() && folder[folder.size() - 1] == '/'; //! none CWE-125
    }
    bool add(const char *path) {
        void *library = dlopen(path, RTLD_NOW);
        if (library != nullptr)
            libraries_.push_back(library);
        return library != nullptr;
    }

private:
    std::vector<void *> libraries_;
};

static uint32_t word(FILE *file) {
    uint32_t number = 0;
    return fread(&number, sizeof number, 1, file) == 1 ? number : 0;
}

bool skip_text(FILE *file) {
    uint32_t length = word(file);
    uint16_t room = length;
    char *text = static_cast<char *>(malloc(room));
    if (text == nullptr)
        return false;
    bool whole = fread(text, 1, length, file) == length; //! CWE-787
    free(text);
    return whole;
}

bool skip_short_text(FILE *file) {
    uint32_t length = word(file);
    if (length > UINT16_MAX)
        return false;
    uint16_t room = length;
    char *text = static_cast<char *>(malloc(room));
    if (text == nullptr)
        return false;
    bool whole = fread(text, 1, room, file) == room; //! none CWE-787
    free(text);
    return whole;
}

int *ranks(int count) {
    int *made = new int(count);
    for (int i = 0; i < count; i++)
        made[i] = i; //! CWE-787
    return made;
}

int *ranks_of_all(int count) {
    int *made = new int[count];
    for (int i = 0; i < count; i++)
        made[i] = i; //! none CWE-787
    return made;
}

int letters(const char *text) {
    static int seen[128];
    int most = 0;
    while (*text != '\0')
        if (++seen[(int)*text++] > most) //! CWE-125
            most++;
    return most;
}

int letters_of_bytes(const char *text) {
    static int seen[256];
    int most = 0;
    while (*text != '\0')
        if (++seen[(unsigned char)*text++] > most) //! none CWE-125
            most++;
    return most;
}
