// containers, streams and classes
#include <dlfcn.h>
#include <array>
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <vector>
#include <QByteArray>
#include <QDataStream>
#include <QFile>
#include <QtEndian>
#include <glib.h>
struct Head { uint32_t count; int32_t first; uint16_t kind; uint32_t length; };
struct Plug { int (*channels)(void *); int (*fill)(void *, float *, int); void *self; };

class Reader {
public:
    explicit Reader(std::istream &in) : in_(in) {}
    uint32_t u32() { uint32_t v = 0; in_.read(reinterpret_cast<char *>(&v), sizeof v); return v; }
    int32_t i32() { int32_t v = 0; in_.read(reinterpret_cast<char *>(&v), sizeof v); return v; }
    bool table() {
        uint32_t n = u32();
        for (uint32_t i = 0; i < n; ++i) slots_[i] = u32(); //! CWE-787
        return !!in_;
    }

    uint32_t pick() {
        uint32_t i = u32();
        return values_[i]; //! CWE-125/129
    }

    uint32_t pickAt() {
        uint32_t i = u32();
        return values_.at(i);
    }
    std::string text() {
        char buf[64];
        int32_t n = i32();
        if (n > 64) return {};
        in_.read(buf, n);
        return std::string(buf, n); //! CWE-195/125/839/1284
    }

    void block() {
        uint32_t n = u32();
        values_.resize(n); //! CWE-789
        for (auto &v : values_) v = u32();
    }

    std::unique_ptr<uint8_t[]> pixels() {
        uint32_t w = u32(), h = u32();
        std::unique_ptr<uint8_t[]> px(new uint8_t[w * h * 4]); //! CWE-190/131/789
        for (uint32_t y = 0; y < h; ++y) in_.read(reinterpret_cast<char *>(px.get()) + size_t(y) * w * 4, size_t(w) * 4);
        return px;
    }
    void tail() {
        std::vector<char> body(u32() % 4096);
        uint32_t at = u32();
        std::memcpy(fixed_, body.data() + at, 16); //! CWE-125
    }
    void vectorIntoFixed() {
        std::vector<char> body(u32() % 4096);
        in_.read(body.data(), body.size());
        std::copy(body.begin(), body.end(), fixed_);
    }

    void reserved() {
        std::vector<uint32_t> v;
        v.reserve(8);
        for (int i = 0; i < 8; ++i) v[i] = u32();
        values_ = v;
    }
private:
    std::istream &in_;
    std::array<uint32_t, 16> slots_{};
    std::vector<uint32_t> values_;
    char fixed_[64];
};
class Mixer {
public:
    Mixer(Plug *p) : plug_(p) { gains_ = new float[8]; }
    ~Mixer() { delete[] gains_; }
    void setGain(int channel, float g) {
        if (channel >= 8) return;
        gains_[channel] = g;
    }

    void prime() {
        int n = plug_->channels(plug_->self);
        for (int i = 0; i < n; ++i) gains_[i] = 1.0f;
    }

    void run() {
        float block[256];
        int n = plug_->channels(plug_->self) * 64;
        plug_->fill(plug_->self, block, n); //! CWE-787
    }
    void last(const std::vector<float> &v) {
        gains_[0] = v[v.size() - 1];
    }

private:
    Plug *plug_;
    float *gains_;
};
template <class T> T at(const char *data, size_t off) { T v; std::memcpy(&v, data + off, sizeof v); return v; }
QByteArray chunk(const QByteArray &data) {
    quint32 off = qFromLittleEndian<quint32>(data.constData());
    quint32 len = qFromLittleEndian<quint32>(data.constData() + 4);
    return QByteArray(data.constData() + off, len); //! CWE-125
}

bool streamed(QDataStream &in) {
    char name[32]; quint32 n;
    in >> n;
    return in.readRawData(name, n) == int(n); //! CWE-787/120
}

guint32 *gtable(GInputStream *in) {
    guint32 n = 0; gsize got;
    if (!g_input_stream_read_all(in, &n, sizeof n, &got, nullptr, nullptr) || got != sizeof n) return nullptr;
    guint32 *t = (guint32 *)g_malloc(n * sizeof(guint32) & 0xffffffff);
    if (n > 100000) return nullptr;
    for (guint32 i = 0; i < n; i++) t[i] = i;
    return t;
}
uint8_t *product(std::istream &in) {
    uint32_t w, h;
    in.read((char *)&w, 4); in.read((char *)&h, 4);
    uint32_t bytes = w * h;
    auto *p = static_cast<uint8_t *>(std::malloc(bytes)); //! CWE-190/131/680
    for (uint32_t y = 0; p && y < h; y++) std::memset(p + size_t(y) * w, 0, w);
    return p;
}
int main(int argc, char **argv) {
    std::ifstream in(argv[1], std::ios::binary);
    Reader r(in);
    r.table(); r.tableOk(); r.block(); r.blockOk(); r.pick(); r.pickOk(); r.pickAt(); r.text(); r.textOk(); r.pixels(); r.tail(); r.vectorIntoFixed(); r.vectorIntoFixedOk(); r.reserved();
    void *lib = dlopen("/usr/lib/p/mix.so", RTLD_NOW);
    if (!lib) return 1;
    auto *p = (Plug *)dlsym(lib, "plug");
    if (!p) return 1;
    Mixer m(p);
    m.setGain(atoi(argv[2]), 1); m.setGainOk(atoi(argv[2]), 1); m.prime(); m.primeOk(); m.run(); m.last({}); m.lastOk({});
    QFile f("/tmp/x"); f.open(QIODevice::ReadOnly); QByteArray all = f.readAll(); chunk(all); chunkOk(all); QDataStream s(&f); streamed(s); streamedOk(s);
    free(product(in));
    return 0;
}
