#include <utility>
template<class T>
struct construct
{
    template<class... Args>
    static T * make(void * loc, Args &&... args)
    {
        return new (loc) T(std::forward<Args>(args)...);
    }
};
class IndexBase
{
public:
    void * insert(int pos, int len);
    int len() const { return m_len; }

private:
    void * m_data;
    int m_len;
};
template<class T>
class Index : private IndexBase
{
public:
    int len() const { return IndexBase::len() / (int)sizeof(T); }
    template<typename... Args>
    T & append(Args &&... args)
    {
        return *construct<T>::make(IndexBase::insert(-1, sizeof(T)), std::forward<Args>(args)...);
    }
};
