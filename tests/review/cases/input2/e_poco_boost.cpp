// Servers on Poco and Boost.
#include <Poco/Net/HTMLForm.h>
#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/Context.h>
#include <Poco/SharedLibrary.h>
#include <Poco/ClassLoader.h>
#include <Poco/Util/Application.h>
#include <Poco/Process.h>
#include <boost/dll.hpp>
#include <boost/program_options.hpp>
#include <boost/property_tree/ini_parser.hpp>
#include <boost/asio/ssl.hpp>
#include <nlohmann/json.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>

class LoadHandler : public Poco::Net::HTTPRequestHandler {
public:
    void handleRequest(Poco::Net::HTTPServerRequest &request, Poco::Net::HTTPServerResponse &response) override
    {
        Poco::Net::HTMLForm form(request, request.stream());
        _library.load("/usr/lib/host/" + form.get("plugin") + ".so"); //! CWE-22/114/73
        response.send();
    }
private:
    Poco::SharedLibrary _library;
};

class UploadHandler : public Poco::Net::PartHandler {
public:
    void handlePart(const Poco::Net::MessageHeader &header, std::istream &in) override
    {
        Poco::Net::NameValueCollection params;
        std::string value;
        Poco::Net::MessageHeader::splitParameters(header["Content-Disposition"], value, params);
        std::ofstream out("/var/lib/host/plugins/" + params.get("filename"), std::ios::binary);
        out << in.rdbuf();
    }
};

struct App : Poco::Util::Application {
    int main(const std::vector<std::string> &args) override
    {
        Poco::SharedLibrary lib(config().getString("host.module")); //! CWE-114/426/427/73
        Poco::SharedLibrary second(args.at(0));
        Poco::Net::Context::Ptr ctx = new Poco::Net::Context(Poco::Net::Context::CLIENT_USE, "", Poco::Net::Context::VERIFY_NONE); //! CWE-295
        return 0;
    }
};

int options(int argc, char **argv)
{
    namespace po = boost::program_options;
    po::options_description d;
    d.add_options()("plugin", po::value<std::string>());
    po::variables_map vm;
    po::store(po::parse_command_line(argc, argv, d), vm);
    boost::dll::shared_library lib(vm["plugin"].as<std::string>()); //! CWE-114/73/426
    return 0;
}

int tree()
{
    boost::property_tree::ptree t;
    boost::property_tree::ini_parser::read_ini("host.ini", t);
    boost::dll::shared_library lib(t.get<std::string>("main.module")); //! CWE-114/426/427/73
    return 0;
}

int lines()
{
    std::map<std::string, std::string> conf;
    std::ifstream in("host.conf");
    std::string line;
    while (std::getline(in, line)) {
        auto eq = line.find('=');
        if (eq != std::string::npos)
            conf[line.substr(0, eq)] = line.substr(eq + 1);
    }
    boost::dll::shared_library lib(conf["module"]);
    return 0;
}

int json(std::istream &in)
{
    nlohmann::json j = nlohmann::json::parse(in);
    for (const auto &m : j["modules"]) {
        boost::dll::shared_library lib(m.get<std::string>()); //! CWE-114/73/829
    }
    return 0;
}

int asked()
{
    std::string name;
    std::cin >> name;
    boost::dll::shared_library lib(std::filesystem::path("/usr/lib/host") / name); //! CWE-22/114/73
    return 0;
}

int askedChecked()
{
    std::string name;
    std::cin >> name;
    if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz") != std::string::npos)
        return 1;
    boost::dll::shared_library lib(std::filesystem::path("/usr/lib/host") / name); //! none
    return 0;
}

void tls(boost::asio::ssl::context &ctx, boost::asio::ssl::stream<boost::asio::ip::tcp::socket> &s)
{
    ctx.set_verify_mode(boost::asio::ssl::verify_none); //! CWE-295
    s.set_verify_callback([](bool, boost::asio::ssl::verify_context &) { return true; }); //! CWE-295
}

void tmp(const std::string &body)
{
    auto p = std::filesystem::temp_directory_path() / "engine.so";
    std::ofstream(p) << body;
    std::filesystem::permissions(p, std::filesystem::perms::others_write | std::filesystem::perms::owner_all); //! CWE-732/276
    boost::dll::shared_library lib(p);
}

int command(const nlohmann::json &j)
{
    std::string cmd = "strip " + j["file"].get<std::string>();
    return std::system(cmd.c_str()); //! CWE-78/88
}
