// What the sources of the programs have in common, so that each reads like the others. Each rule is
// a function of a source, and is shown a source that breaks it.
#include <map>
#include <sstream>

#include "pages.hpp"

namespace {

/// The source with its comments and the contents of its strings blanked out, line by line the same.
std::string code_of(const std::string& source) {
    std::string code;
    for (size_t i = 0; i < source.size(); ++i) {
        if (source.compare(i, 2, "//") == 0)
            while (i < source.size() && source[i] != '\n') ++i;
        if (i >= source.size()) break;
        code += source[i];
        if (source[i] == '\'' && i + 2 < source.size()) {  // a character such as '"'
            const size_t end = source.find('\'', i + (source[i + 1] == '\\' ? 3 : 2));
            if (end != std::string::npos && end - i <= 5) {
                i = end;
                code += '\'';
            }
        } else if (source[i] == '"') {
            for (++i; i < source.size() && source[i] != '"'; ++i)
                if (source[i] == '\\') ++i;
            code += '"';
        }
    }
    return code;
}

Strings matches(const std::string& text, const std::string& pattern, size_t group = 0) {
    return ::matches(text, std::regex(pattern), group);
}

/// A rule that a regular expression can see, in a source without comments and strings.
struct Rule {
    std::string fault, pattern;
};
const std::vector<Rule> rules = {
    {"assert", "\\bassert\\s*\\("},
    {"a sleep", "\\b(sleep|usleep|nanosleep|sleep_for|sleep_until)\\s*\\("},
    {"a length counted by hand", "zmq_send\\s*\\([^,]+,\\s*\""},
    {"get", "\\.get\\(\\)"},
    // A statement that begins with a call, or a cast to void. Those without a result cannot fail.
    {"a dropped result",
     "(^|[;{})]|\\belse|\\bdo|\\(void\\)|static_cast<void>\\()\\s*"
     "zmq_(?!msg_more|msg_data|msg_size)[a-z_]+\\s*\\("},
};

/// Type, and "binds" or "connects", of each line for a socket in the head comment.
std::set<std::string> sockets_in_head(const Strings& head) {
    std::set<std::string> sockets;
    for (const auto& line : head)
        for (const auto& socket : matches(line, "^//   ([A-Z]+ (binds|connects)) .*", 1))
            sockets.insert(socket);
    return sockets;
}

/// What is false or missing in the head comment, compared with the code.
Strings head_faults(const std::string& source) {
    Strings faults, head = lines_of(source);
    head.erase(std::find_if(head.begin(), head.end(),
                            [](const auto& line) { return line.rfind("//", 0) != 0; }),
               head.end());
    if (head.empty() || !std::regex_match(head[0], std::regex("// [A-Z].*\\.")))
        return {"no sentence"};
    const std::string code = code_of(source), body = source.substr(source.find("\n#include"));

    const auto sockets = sockets_in_head(head);
    std::set<std::string> types, used;
    for (const auto& socket : sockets) types.insert(socket.substr(0, socket.find(' ')));
    for (const auto& type :
         matches(code, "\\bZMQ_(PAIR|X?PUB|X?SUB|REQ|REP|DEALER|ROUTER|PULL|PUSH)\\b", 1))
        used.insert(type);
    if (types != used) faults.push_back("other types");
    for (const std::string call : {"bind", "connect"}) {
        const bool in_head = std::any_of(sockets.begin(), sockets.end(), [&](const auto& socket) {
            return socket.find(" " + call) != std::string::npos;
        });
        if (in_head == matches(code, "zmq_" + call + "\\s*\\(").empty())
            faults.push_back("other calls");
    }
    // The help of an option names its socket, too.
    const std::regex help("\"where (the|a) ([A-Z]+) socket( of each thread)? (binds|connects)");
    for (std::sregex_iterator at(body.begin(), body.end(), help), end; at != end; ++at)
        if (sockets.count((*at)[2].str() + " " + (*at)[4].str()) == 0)
            faults.push_back("another socket in the help");
    // The endpoints are those of the code, all of them; or an option's that has no default.
    std::set<std::string> in_head, in_code;
    for (const auto& line : head) {
        for (const auto& endpoint : matches(line, "(tcp|inproc)://[a-z0-9.:-]+"))
            in_head.insert(endpoint.substr(0, endpoint.find_last_not_of(',') + 1));
        for (const auto& option : matches(line, "the endpoint of --([a-z]+)", 1))
            if (body.find("{\"" + option + " ENDPOINT\"") == std::string::npos)
                faults.push_back("no such option");
    }
    for (const auto& endpoint : matches(body, "\"((tcp|inproc)://[a-z0-9.:-]+)", 1))
        in_code.insert(endpoint);
    if (in_head != in_code) faults.push_back("other endpoints");
    return faults;
}

size_t budget(const std::string& program) {
    static const std::map<std::string, size_t> budgets = {
        {"retry-req-rep/client", 60},    {"ex-req-rep/proxy", 60},  {"ex-req-rep2/proxy", 60},
        {"mt-req-rep/server", 60},       {"mt-req-rep/client", 60}, {"sync-pub-sub/publisher", 65},
        {"sync-pub-sub/subscriber", 65}, {"interrupt/server", 80},  {"curve-req-rep/server", 80},
        {"curve-req-rep/client", 80},    {"push-pull2/worker", 80}, {"push-pull2/sinker", 80}};
    const auto at = budgets.find(program);
    return at == budgets.end() ? 40 : at->second;
}

Strings faults_of(const std::string& program, const std::string& source) {
    Strings faults = head_faults(source);
    const auto lines = lines_of(source);
    if (lines.size() > budget(program)) faults.push_back("too long");
    if (std::any_of(lines.begin(), lines.end(), [](const auto& l) { return l.size() > 100; }))
        faults.push_back("a long line");
    const std::string code = code_of(source);
    for (const auto& rule : rules)
        if (!matches(code, rule.pattern).empty()) faults.push_back(rule.fault);
    static const std::regex report(
        "\\} catch \\(\\.\\.\\.\\) \\{\\s*return report_error\\(\\);\n\\}\n");
    const size_t end = code.rfind("} catch (");
    if (matches(code, "int main\\([^)]*\\) try \\{").size() != 1 || end == code.npos ||
        !std::regex_match(code.substr(end), report))
        faults.push_back("no report");
    return faults;
}

Strings programs() {
    std::istringstream stream(PROGRAMS);
    Strings all;
    for (std::string path; std::getline(stream, path, ':');) all.push_back(path);
    return all;
}

/// The C++ files of a folder.
Strings files_in(const std::string& folder) {
    Strings files;
    for (const auto& entry : std::filesystem::directory_iterator(SOURCE_DIR "/" + folder))
        if (entry.path().extension() == ".cpp" || entry.path().extension() == ".hpp")
            files.push_back(folder + "/" + entry.path().filename().string());
    return files;
}

std::set<std::string> folders() {
    std::set<std::string> all;
    for (const auto& program : programs()) all.insert(program.substr(0, program.find('/')));
    return all;
}

const std::string good = R"(// Does it.
//   REP binds tcp://127.0.0.1:5555 and tcp://127.0.0.1:5566, one to each
//   PUB binds the endpoint of --capture
// Run it.
#include "common.hpp"
int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5555", other = "tcp://127.0.0.1:5566", none;
    parse(argc, argv, "Do it.", {{"bind ENDPOINT", &endpoint, "where the REP socket binds"},
                                 {"capture ENDPOINT", &none, "where a PUB socket binds"}});
    const Socket socket(zmq_socket(context, ZMQ_REP)), copies(zmq_socket(context, ZMQ_PUB));
    check(zmq_bind(socket, endpoint.c_str()), "zmq_bind " + endpoint);
} catch (...) {  // closed by now
    return report_error();
}
)";

std::string changed(const std::string& from, const std::string& to) {
    std::string source = good;
    return source.replace(source.find(from), from.size(), to);
}

}  // namespace

TEST_CASE("style: each program keeps all rules, and a source that breaks one is noticed",
          "[style]") {
    for (const auto& program : programs()) {
        INFO(program);
        CHECK(faults_of(program, source(program + ".cpp")) == Strings{});
    }
    CHECK(faults_of("req-rep/server", good) == Strings{});
    struct Break {
        std::string from, to, fault;
    };
    const std::string bind = "check(zmq_bind(socket, endpoint.c_str())";
    for (const auto& [from, to, fault] : std::vector<Break>{
             {"// Does", "// does", "no sentence"},
             {"//   REP", "//   REQ", "other types"},
             {"ZMQ_REP", "ZMQ_ROUTER", "other types"},
             {"zmq_bind(", "zmq_connect(", "other calls"},
             {"the REP socket binds", "the REP socket connects", "another socket in the help"},
             {":5555 and", ":5556 and", "other endpoints"},
             {" and tcp://127.0.0.1:5566", "", "other endpoints"},
             {"{\"capture", "{\"capture-it", "no such option"},
             {"// Run it.", std::string(30, '\n'), "too long"},
             {"Run it.", "Run it." + std::string(100, 'x'), "a long line"},
             {"return report_error();", "return 0;", "no report"},
             {"try {", "{", "no report"},
             {bind, "assert (0); " + bind, "assert"},
             {bind, "sleep(1); " + bind, "a sleep"},
             {bind, "check(zmq_send(s, \"Hello\", 5, 0)); " + bind, "a length counted by hand"},
             {"socket, endpoint", "socket.get(), endpoint", "get"},
             {bind, "zmq_bind(socket, endpoint.c_str(), (1)", "a dropped result"},
             {bind, "if (x) zmq_send(s, p, n, 0); " + bind, "a dropped result"},
             {bind, "(void)zmq_close(s); " + bind, "a dropped result"},
             {bind, "do zmq_msg_recv(m, s, 0); while (0); " + bind, "a dropped result"}}) {
        INFO(from << " -> " << to);
        const auto faults = faults_of("req-rep/server", changed(from, to));
        CHECK(std::count(faults.begin(), faults.end(), fault) > 0);
    }
    CHECK(faults_of("req-rep/server", changed("// Run it.", "// zmq_close(s);\n")) == Strings{});
}

TEST_CASE("style: most programs are shorter than a screen, and so is what they share", "[style]") {
    std::vector<size_t> lengths;
    for (const auto& program : programs())
        lengths.push_back(lines_of(source(program + ".cpp")).size());
    std::sort(lengths.begin(), lengths.end());
    CHECK(lengths[lengths.size() / 2] <= 36);
    size_t common = 0;
    for (const auto& file : files_in("common")) common += lines_of(source(file)).size();
    CHECK(common <= 620);
    CHECK(lines_of(source("common/common.hpp")).size() <= 160);
}

TEST_CASE("style: no result is dropped in the files that programs include", "[style]") {
    Strings files = files_in("common");
    for (const auto& folder : folders())
        for (const auto& file : files_in(folder)) files.push_back(file);
    CHECK(files.size() > 35);
    for (const auto& file : files) {
        INFO(file);
        CHECK(matches(code_of(source(file)), rules.back().pattern) == Strings{});
    }
}

namespace {

/// The calls of a pattern in a source, except in skip_rest() and the class Peers.
Strings pattern_calls(const std::string& source) {
    std::string code = code_of(source);
    for (const std::string allowed : {"void skip_rest(", "Peers::Peers(", "void Peers::"})
        if (const size_t at = code.find("\n" + allowed); at != code.npos)
            code.erase(at, code.find("\n}", at) - at);
    return matches(code, "zmq_(msg_)?(send|recv|bind|connect|poll|proxy|socket)\\s*\\(");
}

}  // namespace

TEST_CASE("style: programs send and receive in the open, and common does not", "[style]") {
    for (const auto& file : files_in("common")) {
        INFO(file);
        CHECK(pattern_calls(source(file)) == Strings{});
    }
    CHECK(pattern_calls("\nvoid skip_rest() {\n    zmq_msg_recv(m, s, 0);\n}\n").empty());
    CHECK(pattern_calls("\nvoid ask() {\n    zmq_msg_recv(m, s, 0);\n}\n").size() == 1);
}

TEST_CASE("style: a pattern has one name in all places", "[style]") {
    const std::string readme = source("README.md"), script = source("run");
    CHECK(folders().size() >= 13);
    for (const auto& folder : folders()) {
        INFO(folder);
        CHECK(source("tests/" + folder + ".cpp").find("[" + folder + "]") != std::string::npos);
        CHECK(readme.find("\n| [" + folder + "](" + folder + "/) |") != std::string::npos);
        CHECK(script.find("\n" + folder + " ") != std::string::npos);
        CHECK(source(folder + "/README.md").rfind("# " + folder + "\n", 0) == 0);
    }
}
