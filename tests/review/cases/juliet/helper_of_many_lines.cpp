// A helper that reads from a socket and is too long to be followed for nothing; a reference that is the only reader.
#include <cstring>
#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static void ask_the_peer(char *&answer)
{
    int peer = -1;
    sockaddr_in where;
    do {
        peer = socket(AF_INET, SOCK_STREAM, 0);
        if (peer < 0)
            break;
        memset(&where, 0, sizeof where);
        where.sin_family = AF_INET;
        where.sin_port = htons(7001);
        where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (connect(peer, reinterpret_cast<sockaddr *>(&where), sizeof where) < 0)
            break;
        ssize_t got = recv(peer, answer + strlen(answer), 80, 0);
        if (got <= 0)
            break;
        answer[got] = '\0';
        char *end = strchr(answer, '\r');
        if (end != nullptr)
            *end = '\0';
        end = strchr(answer, '\n');
        if (end != nullptr)
            *end = '\0';
    } while (false);
    if (peer >= 0)
        close(peer);
}

void *what_the_peer_says()
{
    char room[100] = "";
    char *name = room;
    char *&other_name = name;
    ask_the_peer(name);
    {
        char *name = other_name;
        return dlopen(name, RTLD_NOW); //! CWE-114
    }
}
