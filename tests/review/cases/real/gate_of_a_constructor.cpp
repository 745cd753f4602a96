// A constructor takes its own lock and keeps it, so that the thread it starts waits until run() opens the gate. What
// callers of the constructor do afterwards is not guarded by that lock, and a second object has another one.
#include <dlfcn.h>
#include <mutex>
#include <pthread.h>

class Player {
public:
    static Player *get();
    void run();
    void halt();

private:
    Player();
    pthread_mutex_t gate_;
    void *plugin_;
    static Player *only_;
};

Player *Player::only_ = nullptr;
static int shown;
static int level;

Player::Player() {
    pthread_mutex_init(&gate_, NULL);
    pthread_mutex_lock(&gate_);
    plugin_ = dlopen("libplayer-effects.so.2", RTLD_NOW);
}

Player *Player::get() {
    if (only_ == nullptr)
        only_ = new Player();
    return only_;
}

void Player::run() {
    pthread_mutex_unlock(&gate_);
}

void Player::halt() {
    pthread_mutex_lock(&gate_);
    if (plugin_ != nullptr)
        dlclose(plugin_);
    plugin_ = nullptr;
}

void switched(bool on) {
    if (on) {
        Player::get()->run(); //! none
        shown = 1;
    } else {
        Player::get()->halt(); //! none
        Player::get()->run(); //! none
        shown = 0;
        level = 0;
    }
}

int update() {
    if (shown == 0) //! none
        return 0;
    level++; //! none
    return level;
}

void restart() {
    Player::get();
    shown = 0;
    level = 1;
}

// A holder's constructor takes a lock that it was handed; that one is held until the holder ends.
class Hold {
public:
    explicit Hold(std::mutex &given) : given_(given) { given_.lock(); }
    ~Hold() { given_.unlock(); }

private:
    std::mutex &given_;
};

static std::mutex table_lock;
static void *table;

void load() {
    Hold hold(table_lock);
    if (table == nullptr)
        table = dlopen("libtable.so.1", RTLD_NOW);
}

void unload() {
    Hold hold(table_lock);
    if (table != nullptr)
        dlclose(table);
    table = nullptr;
}
