// What looks like trust in strangers and is none: settings, servers, verdicts that are kept, formats of the program.
#include <QNetworkReply>
#include <QSslSocket>
#include <boost/asio/ssl.hpp>
#include <cstdio>
#include <dlfcn.h>
#include <string>

struct Pack { std::string body, signature; bool required; };
bool verifySignature(const std::string &body, const std::string &signature);
void acceptAny(QNetworkReply *reply, bool selfSigned)
{
    if (selfSigned)
        reply->ignoreSslErrors(); //! none
}

void judge(boost::asio::ssl::stream<boost::asio::ip::tcp::socket> &s)
{
    s.set_verify_callback([](bool ok, boost::asio::ssl::verify_context &) { return ok; }); //! none
}

void *loadKept(const Pack &p)
{
    bool good = false;
    if (!p.signature.empty()) //! none
        good = verifySignature(p.body, p.signature);
    return good ? dlopen("/usr/lib/host/a.so", RTLD_NOW) : nullptr;
}

void *loadWanted(const Pack &p)
{
    if (p.required && !verifySignature(p.body, p.signature)) //! none
        return nullptr;
    return dlopen("/usr/lib/host/a.so", RTLD_NOW);
}

int refuse(const Pack &p)
{
    if (!p.signature.empty()) { //! none
        if (verifySignature(p.body, p.signature))
            return 0;
    }
    return -1;
}

void *loadSigned(const Pack &p)
{
    if (p.signature.empty() || !verifySignature(p.body, p.signature)) { //! none
        fprintf(stderr, "not signed\n");
        return nullptr;
    }
    return dlopen("/usr/lib/host/a.so", RTLD_NOW);
}

void show(void *lib)
{
    auto count = reinterpret_cast<int (*)()>(dlsym(lib, "count"));
    char line[40];
    if (!count)
        return;
    snprintf(line, sizeof line, "%d entries\n", count());
    printf(line); //! none
    static const char *const words[] = {"none\n", "some\n"};
    printf(words[count() > 0]); //! none
}
