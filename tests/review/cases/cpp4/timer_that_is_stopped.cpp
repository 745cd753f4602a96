// The timer is stopped under the name it is kept by, and a plug-in that was never handed out is unloaded freely.
#include <QObject>
#include <QPluginLoader>
#include <QTimer>

class Queue {
public:
    virtual ~Queue() = default;
    virtual int length() const = 0;
};

Q_DECLARE_INTERFACE(Queue, "net.acme.Queue/1")

class Counter : public QObject {
public:
    bool take()
    {
        m_queue = qobject_cast<Queue *>(m_loader->instance());
        if (!m_queue)
            m_loader->unload(); //! none
        return m_queue != nullptr;
    }
    void watch()
    {
        QTimer *clock = new QTimer(this);
        m_poll = clock;
        Queue *queue = m_queue;
        connect(clock, &QTimer::timeout, this, [this, queue]() { m_length = queue->length(); });
        clock->start(500);
    }
    void leave()
    {
        delete m_poll;
        m_poll = nullptr;
        if (!m_loader->unload()) //! none
            qWarning() << m_loader->errorString();
    }

private:
    QPluginLoader *m_loader = nullptr;
    QTimer *m_poll = nullptr;
    Queue *m_queue = nullptr;
    int m_length = 0;
};
