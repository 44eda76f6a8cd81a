// Measures every pattern beside its baseline, the same work in bare calls of libzmq (raw.cpp), and
// what messages cost by size and transport.
//
// Usage: bench [--quick | --write | PATTERN]
//   --quick  a row of each pattern, once, with few messages, to check the counts
//   --write  also puts the results into docs/performance.md
//
// The sides of a row are processes that are started alike. They alternate, A B A B ... The table
// shows the mean rate of each side over all turns, the ratio of the two, and the quartiles of the
// ratios of the single turns. The rates are what the programs' own summaries say (--quiet). A wrong
// count ends the benchmark with status 1; a low ratio only marks its row.
#include <zmq.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <list>
#include <numeric>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "process.hpp"

namespace {

__attribute__((format(printf, 1, 2))) std::string text(const char* how, ...) {
    char line[1000];
    va_list values;
    va_start(values, how);
    std::vsnprintf(line, sizeof line, how, values);
    va_end(values);
    return line;
}

// What is measured --------------------------------------------------------------------------------

/// A process is `[N] [=] PROGRAM ARGUMENT...`: N of them, 1 if not said; with = the summary of each
/// counts. * is any port; @0, @1 ... are the endpoints in the order they were printed. Those that
/// do not count run until the others are done.
struct Side {
    std::string name;
    int count;  // what each summary should count
    Lines processes;
    double target = 0;            // how many times its rate the first side should reach
    std::vector<double> rates{};  // messages a second, one a turn
};

struct Row {
    std::string pattern, what;
    std::vector<Side> sides;
};

bool quick = false;

/// How many messages: enough for some tenths of a second.
int many(int n) { return quick ? std::max(20, n / 200) : n; }

Row beside(const std::string& pattern, const std::string& what, int count, const Lines& program,
           const Lines& baseline) {
    return {pattern, what, {{"program", count, program}, {"baseline", count, baseline, 0.95}}};
}

/// Messages one way between two threads, by transport and size.
std::vector<Row> cost_rows() {
    std::vector<Row> rows;
    for (const char* endpoint : {"inproc://cost", "ipc://*", "tcp://127.0.0.1:*"})
        for (const int size : {10, 1000, 100000, 1000000}) {
            const int n = many(size <= 1000 ? 200000 : size <= 100000 ? 10000 : 1000);
            const auto side = [&](const char* name, const char* bursts_and_copy) {
                return Side{
                    name, n, {text("= raw cost %s %d %d %s", endpoint, size, n, bursts_and_copy)}};
            };
            const std::string transport(endpoint, std::string(endpoint).find(':'));
            rows.push_back({transport,
                            std::to_string(size),
                            {side("in bursts, copied", "1 1"), side("one message a poll", "0 1"),
                             side("not copied", "1 0")}});
        }
    return rows;
}

std::vector<Row> pattern_rows() {
    int n = many(6000);
    const std::string req = text("= raw req @0 %d", n);
    std::vector<Row> rows{
        beside("req-rep", "round trips", n,
               {"req-rep/server --bind *", text("= req-rep/client --connect @0 --count %d", n)},
               {"raw rep *", req}),
        beside("retry-req-rep", "round trips", n,
               {"raw rep *", text("= retry-req-rep/client --connect @0 --count %d", n)},
               {"raw rep *", req + " 1000"}),
        beside("interrupt", "round trips", n, {"interrupt/server --bind *", req},
               {"raw rep-and-pipe *", req})};

    n = many(4000000);
    for (const int workers : {1, 4}) {
        const std::string what = text("tasks, workers: %d", workers);
        const std::string sender = text("sender --bind * --count %d --workers %d", n, workers);
        const std::string raw_sender = text("raw sender * %d %d", n, workers);
        rows.push_back(beside(
            "push-pull", what, n,
            {text("= push-pull/sinker --bind * --count %d", n), "push-pull/" + sender,
             text("%d push-pull/worker --connect @1 --sink @0", workers)},
            {text("= raw sinker * %d", n), raw_sender, text("%d raw worker @1 @0", workers)}));
        rows.push_back(beside(
            "push-pull2", what, n,
            {text("= push-pull2/sinker --bind * --control * --count %d", n), "push-pull2/" + sender,
             text("%d push-pull2/worker --connect @2 --sink @0 --control @1", workers)},
            {text("= raw sinker2 * * %d", n), raw_sender + " a",
             text("%d raw worker2 @2 @0 @1", workers)}));
    }

    // The rate is the sum of the subscribers' rates.
    for (const int subscribers : {1, 20}) {
        const std::string what = text("deliveries, subscribers: %d", subscribers);
        n = many(800000 / (subscribers + 1));
        rows.push_back(
            beside("pub-sub", what, n,
                   {"pub-sub/publisher --bind * --to sub1 --interval 0",
                    text("%d = pub-sub/subscriber --connect @0 --count %d", subscribers, n)},
                   {"raw pub *", text("%d = raw sub @0 %d sub1", subscribers, n)}));
        rows.push_back(
            beside("pub-sub-envelope", what, n,
                   {"pub-sub-envelope/publisher --bind * --interval 0",
                    text("%d = pub-sub-envelope/subscriber --connect @0 --key= --count %d",
                         subscribers, n)},
                   {"raw pub-envelope *", text("%d = raw sub-envelope @0 %d", subscribers, n)}));
        n = many(2000000 / (subscribers + 2));
        rows.push_back(
            beside("sync-pub-sub", what, n,
                   {text("sync-pub-sub/publisher --bind * --sync * --subscribers %d --count %d",
                         subscribers, n),
                    text("%d = sync-pub-sub/subscriber --connect @0 --sync @1", subscribers)},
                   {text("raw publish * * %d %d", subscribers, n),
                    text("%d = raw updates @0 @1", subscribers)}));
    }

    for (const int peers : {1, 8}) {  // many requests in flight
        n = many(peers == 1 ? 200000 : 50000);
        const auto through = [&](const std::string& name, const std::string& proxy, double target) {
            const std::string echo = text("%d raw echo @1", peers);
            const std::string flood = text("%d = raw flood @0 %d", peers, n);
            return Side{name, n, {proxy, echo, flood}, target};
        };
        const std::string what = text("requests, clients and servers: %d each", peers);
        const std::string options = "/proxy --frontend * --backend *";
        const Side zmq_proxy = through("ex-req-rep2 (zmq_proxy)", "ex-req-rep2" + options, 0.95);
        rows.push_back({"ex-req-rep",
                        what,
                        {through("program", "ex-req-rep" + options, 0), zmq_proxy,
                         through("one message a poll", "raw one-by-one * *", 1.6)}});
        rows.push_back(
            {"ex-req-rep2", what, {zmq_proxy, through("baseline", "raw bare-proxy * *", 0.95)}});
    }

    n = many(1200);
    for (const int threads : {1, 4, 16})
        rows.push_back(
            beside("mt-req-rep", text("replies without work, threads: %d", threads), 8 * n,
                   {text("mt-req-rep/server --bind * --workers %d", threads),
                    text("= mt-req-rep/client --connect @0 --clients 8 --count %d", n)},
                   {text("raw mt-server * %d", threads), text("= raw mt-client @0 8 %d", n)}));
    n = many(30);
    for (const int threads : {4, 16}) {
        // More clients than threads: each thread has a request waiting when it is done.
        const auto served_by = [&](int workers, double target) {
            return Side{text("threads: %d", workers),
                        32 * n,
                        {text("mt-req-rep/server --bind * --work 1 --workers %d", workers),
                         text("= mt-req-rep/client --connect @0 --clients 32 --count %d", n)},
                        target};
        };
        rows.push_back({"mt-req-rep",
                        "replies after 1 ms of work",
                        {served_by(threads, 0), served_by(1, 0.95 * threads)}});
    }
    rows.push_back(beside("mt-ready", "400 steps", 400, {"= mt-ready/steps --steps 400"},
                          {"= raw steps 400"}));
    return rows;
}

// Measuring ---------------------------------------------------------------------------------------

/// Runs the processes of a side, and returns the sum of the rates that count.
double rate(const Side& side) {
    std::list<Process> all;
    std::vector<Process*> counting;
    Lines endpoints;
    for (const auto& line : side.processes) {
        std::istringstream in(line);
        Lines words;
        for (std::string word; in >> word;) words.push_back(word);
        const auto take = [&words] { return words.erase(words.begin()); };
        int n = 1;
        if (words[0].find_first_not_of("0123456789") == std::string::npos)
            n = std::stoi(words[0]), take();
        const bool counts = words[0] == "=";
        if (counts) take();
        const std::string program = words[0] == "raw" ? "tests/bench-raw" : words[0];
        take();
        if (program != "tests/bench-raw") words.push_back("--quiet");
        const auto ports = std::count(words.begin(), words.end(), "*");
        for (auto& word : words) {
            if (word == "*") word = any_port;
            if (word[0] == '@') word = endpoints.at(std::stoul(word.substr(1)));
        }
        for (; n > 0; --n) {
            all.emplace_back(program, words);
            for (auto i = ports; i > 0; --i) endpoints.push_back(all.back().endpoint());
            if (counts) counting.push_back(&all.back());
        }
    }
    double sum = 0;
    for (Process* const process : counting) {
        static const std::regex summary("(\\d+) .* in ([0-9.]+) s, \\d+/s");
        std::smatch match;
        const int status = process->wait();
        const std::string line = process->last_line();
        if (status != 0 || !std::regex_match(line, match, summary) ||
            std::stoi(match[1]) != side.count)
            throw std::runtime_error(text("WRONG: %d expected: ", side.count) + line);
        sum += side.count / std::max(std::stod(match[2]), 1e-6);
    }
    return sum;
}

/// Returns whether there was anything to measure.
bool measure(std::vector<Row>& rows, const std::string& only, int turns) {
    std::set<std::string> measured;
    for (auto& row : rows) {
        if (!only.empty() && only != row.pattern) continue;
        if (!measured.insert(row.pattern).second && quick) continue;
        std::printf("%s, %s\n", row.pattern.c_str(), row.what.c_str());
        for (int n = 0; n < turns; ++n)
            for (auto& side : row.sides) side.rates.push_back(rate(side));
    }
    return !measured.empty();
}

// Results -----------------------------------------------------------------------------------------

double mean(const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double ratio(const Side& a, const Side& b) { return mean(a.rates) / mean(b.rates); }

/// The quartiles of the ratios of the single turns: "0.97, 1.02".
std::string quartiles(const Side& a, const Side& b) {
    std::vector<double> all;
    for (size_t n = 0; n < a.rates.size(); ++n) all.push_back(a.rates[n] / b.rates[n]);
    std::sort(all.begin(), all.end());
    return text("%.2f, %.2f", all[all.size() / 4], all[all.size() * 3 / 4]);
}

/// Three digits are all that a measure is worth: 1.23 M, 45.6 k, 789.
std::string rounded(double value) {
    for (const char* const unit : {"", "k", "M"}) {
        if (value < 999.5) return text("%.3g %s", value, unit);
        value /= 1000;
    }
    return text("%.3g G", value);
}

std::string ratio_table(const std::vector<Row>& rows) {
    std::string table =
        "| pattern | what | this | beside | ratio (quartiles) | target |\n"
        "| --- | --- | --- | --- | --- | --- |\n";
    const auto shown = [](const Side& side) {
        return side.name + ": " + rounded(mean(side.rates)) + "/s";
    };
    for (const auto& row : rows)
        for (size_t i = 1; i < row.sides.size(); ++i) {
            const Side &first = row.sides[0], &other = row.sides[i];
            if (first.rates.empty()) continue;
            const std::string result = text("%.2f", ratio(first, other));
            const bool missed = std::stod(result) < other.target;
            table += text("| %s | %s | %s | %s | %s (%s) | %.2f |\n", row.pattern.c_str(),
                          row.what.c_str(), shown(first).c_str(), shown(other).c_str(),
                          (missed ? "**" + result + " misses it**" : result).c_str(),
                          quartiles(first, other).c_str(), other.target);
        }
    return table;
}

std::string cost_table(const std::vector<Row>& rows) {
    std::string table =
        "| transport | message | messages a second | bytes a second | one message a poll | "
        "not copied |\n| --- | --- | --- | --- | --- | --- |\n";
    for (const auto& row : rows) {
        if (row.sides[0].rates.empty()) continue;
        const double size = std::stod(row.what), most = mean(row.sides[0].rates);
        table += text("| %s | %sB | %s | %sB | times %.2f | times %.2f |\n", row.pattern.c_str(),
                      rounded(size).c_str(), rounded(most).c_str(), rounded(most * size).c_str(),
                      ratio(row.sides[1], row.sides[0]), ratio(row.sides[2], row.sides[0]));
    }
    return table;
}

std::string machine() {
    std::ifstream info("/proc/cpuinfo");
    std::string line, processor = "unknown processor";
    while (std::getline(info, line))
        if (line.rfind("model name", 0) == 0) processor = line.substr(line.find(':') + 2);
    int version[3] = {};
    zmq_version(&version[0], &version[1], &version[2]);
    char day[32];
    const std::time_t now = std::time(nullptr);
    std::strftime(day, sizeof day, "%Y-%m-%d", std::gmtime(&now));
    return text("Measured on %s: %u cores of %s, libzmq %d.%d.%d, compiler %s, Release.\n", day,
                std::thread::hardware_concurrency(), processor.c_str(), version[0], version[1],
                version[2], __VERSION__);
}

}  // namespace

int main(int argc, char** argv) try {
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    const std::string argument = argc > 1 ? argv[1] : "";
    quick = argument == "--quick";
    const bool write = argument == "--write";
    const std::string only = quick || write ? "" : argument;

    std::vector<Row> costs = cost_rows(), patterns = pattern_rows();
    std::string results = machine();
    if (measure(costs, only, quick ? 1 : 15)) results += "\n" + cost_table(costs);
    if (measure(patterns, only, quick ? 1 : 15)) results += "\n" + ratio_table(patterns);
    if (results == machine()) throw std::runtime_error("no such pattern: " + only);
    if (quick) return 0;
    std::printf("\n%s", results.c_str());
    if (write) {  // to the end of the page, after its mark
        const std::string path = SOURCE_DIR "/docs/performance.md", mark = "<!-- results -->\n\n";
        const std::string page = read_file(path);
        std::ofstream(path) << page.substr(0, page.find(mark)) << mark << results;
    }
    return 0;
} catch (const std::exception& error) {
    std::fprintf(stderr, "bench: %s\n", error.what());
    return 1;
}
