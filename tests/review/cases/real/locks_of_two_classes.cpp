// Members of one name in two classes, a lock that belongs to another class, numbers that are no addresses.

#include <QLibrary>
#include <QMutex>
#include <QMutexLocker>
#include <dlfcn.h>
#include <vector>

class File {
public:
    void close();
    void reopen();
private:
    QMutex m_mutex;
    int m_mode = 0;
};

class Cache {
public:
    void refresh();
    void add(File *file);
private:
    QMutex m_mutex;
    std::vector<File *> m_files;
};

void File::close()
{
    QMutexLocker locker(&m_mutex); //! none CWE-764
    m_mode = 0;
}

void File::reopen()
{
    QMutexLocker locker(&m_mutex);
    m_mode = 1;
    close(); //! CWE-764
}

void Cache::refresh()
{
    QMutexLocker locker(&m_mutex);
    for (File *file : m_files)
        file->close(); //! none CWE-764
}

void Cache::add(File *file)
{
    QMutexLocker locker(&m_mutex);
    m_files.push_back(file);
}

int *edges(const char *from, unsigned length)
{
    unsigned count = length / sizeof(int);
    int *found = new int[count];
    const char *read = (const char *)found; //! none CWE-822/587
    for (unsigned i = 0; i < length; i++)
        ((char *)read)[i] = from[i];
    return found;
}

unsigned short bend(int value)
{
    unsigned short bent = (unsigned short)(0x2000 + value); //! none CWE-587
    return bent;
}

void *symbol_of_program(const char *name)
{
    static void *program = dlopen(0, RTLD_LAZY); //! none CWE-252
    return dlsym(program, name);
}

QFunctionPointer of_plugin(const QString &path)
{
    QLibrary library(path);
    return library.load() ? library.resolve("start") : nullptr;
}
