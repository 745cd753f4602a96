// a lock that is taken by hand around a library's method, which may throw; a guard; a method that may not
#include <boost/dll/import.hpp>
#include <boost/dll/shared_library.hpp>
#include <boost/shared_ptr.hpp>
#include <mutex>
#include <string>
class Strategy {
public:
    virtual ~Strategy() = default;
    virtual double price(double bid) = 0;
    virtual int version() const noexcept = 0;
};
using Factory = boost::shared_ptr<Strategy>();
class Position {
public:
    explicit Position(const std::string &name);
    double price(double bid)
    {
        lock_.lock(); //! CWE-667
        double found = strategy_->price(bid);
        last_ = found;
        lock_.unlock();
        return found;
    }
    double price_guarded(double bid)
    {
        std::lock_guard<std::mutex> hold(lock_); //! none CWE-667
        last_ = strategy_->price(bid);
        return last_;
    }
    int version()
    {
        lock_.lock(); //! none CWE-667
        int found = strategy_->version();
        lock_.unlock();
        return found;
    }

private:
    std::mutex lock_;
    double last_ = 0.0;
    boost::shared_ptr<Strategy> strategy_;
    boost::dll::shared_library library_;
};
Position::Position(const std::string &name) : library_("/opt/strategies/" + name)
{
    strategy_ = library_.get_alias<Factory>("create")();
}
