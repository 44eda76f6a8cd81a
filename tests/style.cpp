// What the sources of the programs have in common, so that each reads like the others. Each rule is
// a function of a source, and is shown a source that breaks it.
#include <map>
#include <sstream>

#include "pages.hpp"

namespace {

/// The source without its comments and the contents of its strings.
std::string code_of(const std::string& source) {
    static const std::regex string("(//[^\n]*)|\"(?:[^\"\\\\\n]|\\\\.)*\"|'(?:[^'\\\\\n]|\\\\.)'");
    static const std::regex comment("//[^\n]*");
    return std::regex_replace(std::regex_replace(source, string, "$1\"\""), comment, "");
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
    // A statement that begins with a call, or a cast to void. Those without a result cannot fail.
    {"a dropped result",
     "(^|[;{})]|\\belse|\\bdo|\\(void\\)|static_cast<void>\\()\\s*"
     "zmq_(?!msg_more|msg_data|msg_size)[a-z_]+\\s*\\("},
};

/// What is false or missing in the head comment, compared with the code.
Strings head_faults(const std::string& source) {
    Strings faults;
    const std::string head = source.substr(0, source.find("\n#include")) + "\n",
                      body = source.substr(head.size()), code = code_of(body);
    if (!std::regex_search(head, std::regex("^// [A-Z][^\n]*\\.\n")))
        faults.push_back("no sentence");
    const auto differ = [&](const std::string& in_head, const std::string& text,
                            const std::string& in_text, size_t group) {
        const Strings a = matches(head, in_head, 1), b = matches(text, in_text, group);
        return std::set<std::string>(a.begin(), a.end()) !=
               std::set<std::string>(b.begin(), b.end());
    };
    if (differ("//   ([A-Z]+) (?:binds|connects) ", code,
               "\\bZMQ_(PAIR|X?PUB|X?SUB|REQ|REP|DEALER|ROUTER|PULL|PUSH)\\b", 1))
        faults.push_back("other types");
    if (differ("//   [A-Z]+ (bind|connect)s ", code, "zmq_(bind|connect)\\s*\\(", 1))
        faults.push_back("other calls");
    if (differ("((?:tcp|inproc)://[a-z0-9.:-]*[a-z0-9-])", body,
               "\"((?:tcp|inproc)://[a-z0-9.:-]*[a-z0-9-])", 1))
        faults.push_back("other endpoints");
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
        "[^]*\nint main\\([^)]*\\) try \\{\n[^]*\n\\} catch \\(\\.\\.\\.\\) \\{\\s*"
        "return report_error\\(\\);\n\\}\n");
    if (!std::regex_match(code, report)) faults.push_back("no report");
    return faults;
}

/// The calls of a pattern in a source, except in skip_rest() and the class Peers.
Strings pattern_calls(const std::string& source) {
    std::string code = code_of(source);
    for (const std::string allowed : {"void skip_rest(", "Peers::Peers(", "void Peers::"})
        if (const size_t at = code.find("\n" + allowed); at != code.npos)
            code.erase(at, code.find("\n}", at) - at);
    return matches(code, "zmq_(msg_)?(send|recv|bind|connect|poll|proxy|socket)\\s*\\(");
}

Strings programs() {
    std::istringstream stream(PROGRAMS);
    Strings all;
    for (std::string path; std::getline(stream, path, ':');) all.push_back(path);
    return all;
}

/// The C++ files of a folder.
Strings files_in(const std::string& folder) {
    return files_with([&](const std::filesystem::path& path) {
        return path.parent_path() == SOURCE_DIR "/" + folder &&
               (path.extension() == ".cpp" || path.extension() == ".hpp");
    });
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
    const Socket socket(zmq_socket(context, ZMQ_REP)), copies(zmq_socket(context, ZMQ_PUB));
    check(zmq_bind(socket, endpoint.c_str()), "zmq_bind " + endpoint);
} catch (...) {  // closed by now
    return report_error();
}
)";

}  // namespace

TEST_CASE("style: each program keeps all rules, and a source that breaks one is noticed",
          "[style]") {
    for (const auto& program : programs()) {
        INFO(program);
        CHECK(faults_of(program, source(program + ".cpp")) == Strings{});
    }
    const auto faults = [](const std::string& from, const std::string& to) {
        std::string source = good;
        INFO(from << " -> " << to);
        return faults_of("req-rep/server", source.replace(source.find(from), from.size(), to));
    };
    const std::string bind = "check(zmq_bind(socket, endpoint.c_str())";
    CHECK(faults("// Run it.", "// zmq_close(s);") == Strings{});
    CHECK(faults("// Does", "// does") == Strings{"no sentence"});
    CHECK(faults("//   REP", "//   REQ") == Strings{"other types"});
    CHECK(faults("ZMQ_REP", "ZMQ_ROUTER") == Strings{"other types"});
    CHECK(faults("zmq_bind(", "zmq_connect(") == Strings{"other calls"});
    CHECK(faults(":5555 and", ":5556 and") == Strings{"other endpoints"});
    CHECK(faults(" and tcp://127.0.0.1:5566", "") == Strings{"other endpoints"});
    CHECK(faults("// Run it.", "//" + std::string(30, '\n')) == Strings{"too long"});
    CHECK(faults("Run it.", "Run it." + std::string(100, 'x')) == Strings{"a long line"});
    CHECK(faults("return report_error();", "return 0;") == Strings{"no report"});
    CHECK(faults("try {", "{") == Strings{"no report"});
    CHECK(faults(bind, "assert (0); " + bind) == Strings{"assert"});
    CHECK(faults(bind, "sleep(1); " + bind) == Strings{"a sleep"});
    CHECK(faults(bind, "check(zmq_send(s, \"Hello\", 5, 0));\n" + bind) ==
          Strings{"a length counted by hand"});
    for (const std::string dropped :
         {"zmq_close(s);\n", "if (x) zmq_send(s, p, n, 0);\n", "(void)zmq_close(s);\n",
          "do zmq_msg_recv(m, s, 0); while (0);\n"})
        CHECK(faults(bind, dropped + bind) == Strings{"a dropped result"});
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

TEST_CASE("style: programs send and receive in the open, and no result is dropped anywhere",
          "[style]") {
    std::set<std::string> all = folders();
    all.insert("common");
    for (const auto& folder : all)
        for (const auto& file : files_in(folder)) {
            INFO(file);
            CHECK(matches(code_of(source(file)), rules.back().pattern) == Strings{});
            if (folder == "common") CHECK(pattern_calls(source(file)) == Strings{});
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
