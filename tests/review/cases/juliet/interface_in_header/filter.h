class Filter {
public:
    virtual ~Filter() = default;
    virtual void run(const char *what) = 0;
};

class PluginFilter : public Filter {
public:
    void run(const char *what) override;
};
