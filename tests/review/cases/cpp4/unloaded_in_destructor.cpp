// A loader is unloaded in the destructor; the member that owns its object ends after that.
#include <QLibrary>
#include <QPluginLoader>
#include <memory>
class Renderer { public: virtual ~Renderer() = default; virtual void draw() = 0; };
class Window {
public:
    ~Window() { m_loader.unload(); } //! CWE-416
    bool open(const QString &path)
    {
        m_loader.setFileName(path);
        m_renderer.reset(qobject_cast<Renderer *>(m_loader.instance()));
        return m_renderer != nullptr;
    }
private:
    QPluginLoader m_loader;
    std::unique_ptr<Renderer> m_renderer;
};

class Tidy {
public:
    ~Tidy()
    {
        m_renderer.reset();
        m_loader.unload(); //! none
    }
    bool open(const QString &path)
    {
        m_loader.setFileName(path);
        m_renderer.reset(qobject_cast<Renderer *>(m_loader.instance()));
        return m_renderer != nullptr;
    }

private:
    QPluginLoader m_loader;
    std::unique_ptr<Renderer> m_renderer;
};
