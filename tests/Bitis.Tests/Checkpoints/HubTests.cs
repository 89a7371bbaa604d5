using System.Net;
using System.Security.Cryptography;
using System.Text;
using Bitis.Checkpoints.Hub;

namespace Bitis.Tests.Checkpoints;

/// <summary>The hub client against servers on this machine that behave, and misbehave, as the hub and its network
/// may.</summary>
[Trait(Speed.Name, Speed.Slow)]
public sealed class HubTests : IDisposable
{
    private const string Commit = "0123456789abcdef0123456789abcdef01234567";
    private const string FilePath = "/owner/name/resolve/main/sub/model.pth";

    private static readonly byte[] Contents = [.. Enumerable.Range(0, 300_000).Select(i => (byte)(i * 7))];
    private static readonly string Sha256 = Convert.ToHexStringLower(SHA256.HashData(Contents));

    private readonly TempFolder _folder = new();
    private readonly HubReference _reference = Parse("hf:owner/name/sub/model.pth");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_file_is_downloaded_into_the_usual_layout_and_then_only_asked_about()
    {
        using var server = new LoopbackServer(context => Serve(context, Sha256));
        List<HubProgress> seen = [];
        string path = await Download(server, new Recorder(seen));

        Assert.Equal(Contents, File.ReadAllBytes(path));
        string repository = _folder["models--owner--name"];
        Assert.Equal(Path.Combine(repository, "snapshots", Commit, "sub", "model.pth"), path);
        Assert.Equal($"../../../blobs/{Sha256}", new FileInfo(path).LinkTarget);
        Assert.Equal(Commit, File.ReadAllText(Path.Combine(repository, "refs", "main")));
        Assert.Equal(new HubProgress(Contents.Length, Contents.Length), seen[^1]);
        Assert.Equal(seen.Select(p => p.Bytes).Order(), seen.Select(p => p.Bytes));
        Assert.Single(Directory.GetFiles(Path.Combine(repository, "blobs")));

        Assert.Equal(path, await Download(server));
        Assert.Equal(["HEAD", "GET", "HEAD"], server.Requests.Select(r => r.Method));
    }

    [Fact]
    public async Task A_small_file_is_checked_against_its_git_name()
    {
        byte[] header = Encoding.ASCII.GetBytes($"blob {Contents.Length}\0");
#pragma warning disable CA5350 // git's name of a blob
        string sha1 = Convert.ToHexStringLower(SHA1.HashData([.. header, .. Contents]));
#pragma warning restore CA5350
        using var server = new LoopbackServer(context => Serve(context, sha1));
        Assert.Equal(Contents, File.ReadAllBytes(await Download(server)));
    }

    [Fact]
    public async Task A_partial_download_resumes()
    {
        WritePart(Contents[..100_000]);
        using var server = new LoopbackServer(context => Serve(context, Sha256));
        Assert.Equal(Contents, File.ReadAllBytes(await Download(server)));
        Assert.Equal("bytes=100000-", server.Requests.Last().Range);
    }

    [Fact]
    public async Task A_server_without_ranges_sends_all_again()
    {
        WritePart(new byte[100_000]);
        using var server = new LoopbackServer(context => Serve(context, Sha256, ranges: false));
        Assert.Equal(Contents, File.ReadAllBytes(await Download(server)));
    }

    [Fact]
    public async Task A_wrong_checksum_discards_the_contents()
    {
        string wrong = new('a', 64);
        using var server = new LoopbackServer(context => Serve(context, wrong));
        string message = await Refused(server);
        Assert.Contains($"do not match the hub's checksum {wrong}", message);
        Assert.False(File.Exists(Path.Combine(_folder["models--owner--name"], "blobs", wrong)));
        Assert.False(Directory.Exists(Path.Combine(_folder["models--owner--name"], "snapshots")));
    }

    [Fact]
    public async Task A_damaged_partial_download_is_found_out()
    {
        WritePart(new byte[100_000]);
        using var server = new LoopbackServer(context => Serve(context, Sha256));
        Assert.Contains("do not match", await Refused(server));
        Assert.Equal(Contents, File.ReadAllBytes(await Download(server)));
    }

    [Theory]
    [InlineData(404, "EntryNotFound", "the repository has no file 'sub/model.pth' (404)")]
    [InlineData(404, "RevisionNotFound", "the repository has no revision 'main' (404)")]
    [InlineData(404, "", "no such repository, revision or file (404)")]
    [InlineData(401, "RepoNotFound", "asks for a valid token (401)")]
    [InlineData(403, "GatedRepo", "denies access (403)")]
    [InlineData(503, "", "answered 503")]
    public async Task Refusals_say_what_to_do(int status, string code, string expected)
    {
        using var server = new LoopbackServer(context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers["X-Error-Code"] = code;
        });
        Assert.Contains(expected, await Refused(server));
    }

    [Fact]
    public async Task A_delivery_network_gets_no_token()
    {
        using var network = new LoopbackServer(context => Serve(context, "\"its-own-etag\""));
        using var server = new LoopbackServer(context =>
        {
            context.Response.StatusCode = 302;
            context.Response.Headers["X-Repo-Commit"] = Commit;
            context.Response.Headers["X-Linked-ETag"] = $"\"{Sha256}\"";
            context.Response.Headers["X-Linked-Size"] = $"{Contents.Length}";
            context.Response.Headers["Location"] = new Uri(network.Address, "/blob?signature=x").AbsoluteUri;
        });
        using var client = new HubClient(Options(server) with { Token = "secret" });
        Assert.Equal(Contents, File.ReadAllBytes(await client.DownloadAsync(_reference)));
        Assert.All(server.Requests, r => Assert.Equal("Bearer secret", r.Authorization));
        Assert.NotEmpty(network.Requests);
        Assert.All(network.Requests, r => Assert.Null(r.Authorization));
    }

    [Fact]
    public async Task A_renamed_repository_is_followed()
    {
        using var server = new LoopbackServer(context =>
        {
            if (context.Request.RawUrl == FilePath)
            {
                context.Response.StatusCode = 307;
                context.Response.Headers["Location"] = "/new/name/resolve/main/sub/model.pth";
            }
            else
            {
                Serve(context, Sha256);
            }
        });
        Assert.Equal(Contents, File.ReadAllBytes(await Download(server)));
    }

    [Fact]
    public async Task A_server_that_dies_half_way_is_asked_for_the_rest()
    {
        int died = 0;
        using var server = new LoopbackServer(context =>
        {
            if (context.Request.HttpMethod == "GET" && died++ == 0)
                Die(context);
            else
                Serve(context, Sha256);
        });
        Assert.Equal(Contents, File.ReadAllBytes(await Download(server)));
        Assert.Matches("^bytes=[1-9][0-9]*-$", server.Requests.Last().Range);
    }

    [Fact]
    public async Task A_server_that_is_dead_leaves_the_part_for_the_next_attempt()
    {
        WritePart(Contents[..1000]);
        using (var server = new LoopbackServer(context =>
        {
            if (context.Request.HttpMethod == "GET")
                context.Response.Abort();
            else
                Serve(context, Sha256);
        }))
        {
            Assert.Contains("broke off at 1000 of 300000 bytes; what has arrived is kept", await Refused(server));
        }
        Assert.Equal(1000, new FileInfo(PartPath).Length);
    }

    [Fact]
    public async Task A_silent_server_is_given_up()
    {
        using var wait = new ManualResetEventSlim();
        using var server = new LoopbackServer(_ => wait.Wait(TimeSpan.FromSeconds(20)));
        using var client = new HubClient(Options(server) with { SilenceLimit = TimeSpan.FromMilliseconds(200) });
        Task<string> download = client.DownloadAsync(_reference);
        var e = await Assert.ThrowsAsync<BitisException>(() => download);
        wait.Set();
        Assert.Contains("cannot be reached", e.Message);
    }

    [Fact]
    public async Task A_server_that_drips_is_given_up_and_what_arrived_is_kept()
    {
        using var server = new LoopbackServer(context =>
        {
            if (context.Request.HttpMethod == "HEAD")
                Serve(context, Sha256);
            else
                Drip(context, Contents, pieces: Contents.Length); // a busy machine cannot turn this into a gain
        });
        HubOptions options = Options(server) with
        {
            SpeedWindow = TimeSpan.FromMilliseconds(50),
            MinimumBytesPerSecond = 100_000,
        };
        Assert.Contains("the server sends less than 100000 bytes a second", await Refused(options));
        Assert.Equal(3, server.Requests.Count(r => r.Method == "GET"));
        Assert.True(File.Exists(PartPath));
    }

    [Fact]
    public async Task A_slow_server_that_is_fast_enough_is_waited_for()
    {
        using var server = new LoopbackServer(context =>
        {
            if (context.Request.HttpMethod == "HEAD")
                Serve(context, Sha256);
            else
                Drip(context, Contents, pieces: 10);
        });
        using var client = new HubClient(
            Options(server) with { SpeedWindow = TimeSpan.FromMilliseconds(20), MinimumBytesPerSecond = 1000 });
        Assert.Equal(Contents, File.ReadAllBytes(await client.DownloadAsync(_reference)));
    }

    [Fact]
    public async Task A_server_that_sends_a_byte_at_a_time_is_asked_a_few_times_only()
    {
        using var server = new LoopbackServer(context =>
        {
            if (context.Request.HttpMethod == "HEAD")
            {
                Serve(context, Sha256);
                return;
            }
            int from = context.Request.Headers["Range"] is { } range ? int.Parse(range["bytes=".Length..^1]) : 0;
            context.Response.StatusCode = from > 0 ? 206 : 200;
            context.Response.SendChunked = true;
            if (from > 0)
                context.Response.Headers["Content-Range"] = $"bytes {from}-{Contents.Length - 1}/{Contents.Length}";
            context.Response.OutputStream.Write(Contents.AsSpan(from, 1));
        });
        Assert.Contains("broke off at 3 of 300000 bytes", await Refused(server));
        Assert.Equal(3, server.Requests.Count(r => r.Method == "GET"));
    }

    [Fact]
    public async Task A_file_of_unknown_size_has_a_limit()
    {
        int sent = 0;
        using var server = new LoopbackServer(context =>
        {
            Describe(context, Sha256);
            context.Response.SendChunked = true;
            if (context.Request.HttpMethod == "HEAD")
                return;
            try
            {
                for (; sent < 100_000_000; sent += Contents.Length)
                    context.Response.OutputStream.Write(Contents);
            }
            catch (Exception e) when (e is HttpListenerException or IOException)
            {
                // The client has had enough.
            }
        });
        HubOptions options = Options(server) with { MaxUnannouncedBytes = 1_000_000 };
        Assert.Contains("the server sends more than 1000000 bytes", await Refused(options));
        Assert.Equal(0, new FileInfo(PartPath).Length);
        Assert.Equal(1, server.Requests.Count(r => r.Method == "GET"));
    }

    [Fact]
    public async Task A_file_of_unknown_size_is_checked_by_its_checksum()
    {
        using var server = new LoopbackServer(context =>
        {
            Describe(context, Sha256);
            context.Response.SendChunked = true;
            if (context.Request.HttpMethod == "GET")
                context.Response.OutputStream.Write(Contents);
        });
        Assert.Equal(Contents, File.ReadAllBytes(await Download(server)));
    }

    [Fact]
    public async Task Neither_a_size_nor_a_checksum_is_refused()
    {
        using var server = new LoopbackServer(context =>
        {
            Describe(context, "some-etag");
            context.Response.SendChunked = true;
        });
        Assert.Contains("gives neither a checksum nor the size", await Refused(server));
    }

    [Fact]
    public async Task Without_a_checksum_a_part_of_another_version_is_not_continued()
    {
        string part = Path.Combine(_folder["models--owner--name"], "blobs", "some-etag.incomplete");
        Directory.CreateDirectory(Path.GetDirectoryName(part)!);
        File.WriteAllBytes(part, new byte[100_000]);
        using (var server = new LoopbackServer(context => Serve(context, "some-etag")))
        {
            Assert.Equal(Contents, File.ReadAllBytes(await Download(server)));
            Assert.Null(server.Requests.Last().Range);
        }
        Directory.Delete(_folder["models--owner--name"], recursive: true);
        Directory.CreateDirectory(Path.GetDirectoryName(part)!);
        File.WriteAllBytes(part, new byte[Contents.Length]); // all bytes there, of which nothing shows whose they are
        using var another = new LoopbackServer(context => Serve(context, "some-etag"));
        Assert.Equal(Contents, File.ReadAllBytes(await Download(another)));
    }

    [Fact]
    public async Task Contents_of_another_length_are_refused()
    {
        using var more = new LoopbackServer(context =>
        {
            if (context.Request.HttpMethod == "HEAD")
            {
                Serve(context, Sha256);
                return;
            }
            context.Response.SendChunked = true;
            context.Response.OutputStream.Write([.. Contents, 1]);
        });
        Assert.Contains("the server sends more than the 300000 bytes", await Refused(more));

        using var fewer = new LoopbackServer(context =>
        {
            if (context.Request.HttpMethod == "HEAD")
            {
                Serve(context, Sha256);
                return;
            }
            context.Response.SendChunked = true;
            context.Response.OutputStream.Write(Contents.AsSpan(0, 1000));
        });
        Assert.Contains("broke off at 1000 of 300000 bytes", await Refused(fewer));

        using var other = new LoopbackServer(context =>
        {
            if (context.Request.HttpMethod == "HEAD")
            {
                Serve(context, Sha256);
                return;
            }
            context.Response.ContentLength64 = 5;
            context.Response.OutputStream.Write(Contents.AsSpan(0, 5));
        });
        Assert.Contains("(the server announced another length than the hub)", await Refused(other));
    }

    [Theory]
    [InlineData("Content-Encoding", "gzip", "sends the contents in the coding 'gzip', which was not asked for")]
    [InlineData("Content-Type", "text/html; charset=utf-8", "sends a web page (HTML) instead of the file")]
    public async Task Contents_of_another_kind_are_refused(string header, string value, string expected)
    {
        using var server = new LoopbackServer(context =>
        {
            if (context.Request.HttpMethod == "GET")
                context.Response.Headers[header] = value;
            Serve(context, Sha256);
        });
        Assert.Contains(expected, await Refused(server));
        Assert.Equal(1, server.Requests.Count(r => r.Method == "GET"));
    }

    [Fact]
    public async Task Endless_redirects_and_headers_are_given_up()
    {
        using var circle = new LoopbackServer(context =>
        {
            context.Response.StatusCode = 302;
            context.Response.Headers["Location"] = context.Request.RawUrl;
        });
        Assert.Contains("the hub redirects more than 5 times", await Refused(circle));
        Assert.Equal(6, circle.Requests.Count);

        using var circleOfContents = new LoopbackServer(context =>
        {
            if (context.Request.HttpMethod == "HEAD")
            {
                Serve(context, Sha256);
                return;
            }
            context.Response.StatusCode = 302;
            context.Response.Headers["Location"] = context.Request.RawUrl;
        });
        Assert.Contains("answered 302", await Refused(circleOfContents));
        Assert.Equal(7, circleOfContents.Requests.Count);

        using var headers = new LoopbackServer(context =>
        {
            for (int i = 0; i < 30; i++)
                context.Response.Headers[$"X-Long-{i}"] = new string('x', 4000);
            Serve(context, Sha256);
        });
        Assert.Contains("cannot be reached", await Refused(headers));
    }

    [Fact]
    public async Task Without_a_network_the_cache_is_used()
    {
        string path;
        Uri address;
        using (var server = new LoopbackServer(context => Serve(context, Sha256)))
        {
            path = await Download(server);
            address = server.Address;
        }
        var options = new HubOptions { Endpoint = address, CacheFolder = _folder.Path };
        using var client = new HubClient(options);
        Assert.Equal(path, await client.DownloadAsync(_reference));
        Assert.Equal(path, await client.DownloadAsync(_reference with { Revision = Commit }));
        string message = (
            await Assert.ThrowsAsync<BitisException>(
                () => client.DownloadAsync(_reference with { File = "x" }))).Message;
        Assert.Contains("cannot be reached", message);
        Assert.Contains("HF_HUB_CACHE", message);
        using var offline = new HubClient(options with { Offline = true });
        Assert.Equal(path, await offline.DownloadAsync(_reference));
        BitisException refusal = await Assert.ThrowsAsync<BitisException>(
            () => offline.DownloadAsync(_reference with { File = "x" }));
        Assert.Contains("HF_HUB_OFFLINE is set", refusal.Message);
    }

    [Fact]
    public async Task A_pinned_commit_in_the_cache_needs_no_request()
    {
        using var server = new LoopbackServer(context => Serve(context, Sha256));
        string path = await Download(server);
        int before = server.Requests.Count;
        using var client = new HubClient(Options(server));
        Assert.Equal(path, await client.DownloadAsync(_reference with { Revision = Commit }));
        Assert.Equal(before, server.Requests.Count);
    }

    [Fact]
    public async Task Cancelling_keeps_the_part()
    {
        using var source = new CancellationTokenSource();
        using var server = new LoopbackServer(context => Serve(context, Sha256));
        using var client = new HubClient(Options(server));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            client.DownloadAsync(_reference, new Canceller(source), source.Token));
        Assert.InRange(new FileInfo(PartPath).Length, 1, Contents.Length);
    }

    [Fact]
    public async Task Hostile_headers_do_not_become_paths()
    {
        using var server = new LoopbackServer(context => Serve(context, "../../evil"));
        Assert.Contains("did not answer as a Hugging Face hub", await Refused(server));
    }

    [Theory]
    [InlineData("hf:owner/name/model.pth", "main", "model.pth")]
    [InlineData("hf:owner/name@v1.0/a/b.pth", "v1.0", "a/b.pth")]
    public void References_are_read(string text, string revision, string file) =>
        Assert.Equal(new HubReference("owner", "name", revision, file), Parse(text));

    [Theory]
    [InlineData("hf:owner/model.pth")]
    [InlineData("hf:owner/name/../../x")]
    [InlineData("hf:owner/name/a//b")]
    [InlineData("hf:owner/name/a\\..\\b")]
    [InlineData("hf:../name/x")]
    [InlineData("hf:owner/name@../x")]
    [InlineData("hf:owner/name@/x")]
    [InlineData("hf:/name/x")]
    public void References_that_lead_elsewhere_are_refused(string text) =>
        Assert.Contains(
            "is not a hub reference", Assert.Throws<BitisException>(() => HubReference.TryParse(text, out _)).Message);

    [Fact]
    public void Paths_are_not_references() => Assert.False(HubReference.TryParse("models/hf.pth", out _));

    [Fact]
    public void Options_come_from_the_variables_of_the_hubs_own_tools()
    {
        static HubOptions From(params (string Name, string Value)[] variables) =>
            HubOptions.From(name => variables.FirstOrDefault(v => v.Name == name).Value);

        Assert.Equal("/c", From(("HF_HUB_CACHE", "/c"), ("HF_HOME", "/h")).CacheFolder);
        Assert.Equal(Path.Combine("/h", "hub"), From(("HF_HOME", "/h")).CacheFolder);
        Assert.EndsWith(Path.Combine(".cache", "huggingface", "hub"), From().CacheFolder);
        Assert.Equal(new Uri("https://huggingface.co"), From().Endpoint);
        Assert.True(From(("HF_HUB_OFFLINE", "1")).Offline);
        Assert.False(From(("HF_HUB_OFFLINE", "0")).Offline);
        Assert.Equal("t", From(("HF_TOKEN", "t")).Token);
        Assert.Contains("HF_ENDPOINT", Assert.Throws<BitisException>(() => From(("HF_ENDPOINT", "nowhere"))).Message);
    }

    private string PartPath => Path.Combine(_folder["models--owner--name"], "blobs", Sha256 + ".incomplete");

    private static HubReference Parse(string text)
    {
        Assert.True(HubReference.TryParse(text, out HubReference? reference));
        return reference;
    }

    private void WritePart(byte[] part)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PartPath)!);
        File.WriteAllBytes(PartPath, part);
    }

    private HubOptions Options(LoopbackServer server) =>
        new() { Endpoint = server.Address, CacheFolder = _folder.Path };

    private async Task<string> Download(LoopbackServer server, IProgress<HubProgress>? progress = null)
    {
        using var client = new HubClient(Options(server));
        return await client.DownloadAsync(_reference, progress);
    }

    private Task<string> Refused(LoopbackServer server) => Refused(Options(server));

    private async Task<string> Refused(HubOptions options)
    {
        using var client = new HubClient(options);
        var e = await Assert.ThrowsAsync<BitisException>(() => client.DownloadAsync(_reference));
        Assert.StartsWith(_reference.ToString(), e.Message);
        return e.Message;
    }

    /// <summary>The headers by which the hub describes a file.</summary>
    private static void Describe(HttpListenerContext context, string etag)
    {
        context.Response.Headers["X-Repo-Commit"] = Commit;
        context.Response.Headers["ETag"] = $"\"{etag.Trim('"')}\"";
    }

    /// <summary>Sends the contents in pieces, with pauses; one that the client leaves ends it.</summary>
    private static void Drip(HttpListenerContext context, byte[] contents, int pieces = 1000)
    {
        int from = context.Request.Headers["Range"] is { } range ? int.Parse(range["bytes=".Length..^1]) : 0;
        if (from > 0)
        {
            context.Response.StatusCode = (int)HttpStatusCode.PartialContent;
            context.Response.Headers["Content-Range"] = $"bytes {from}-{contents.Length - 1}/{contents.Length}";
        }
        context.Response.ContentLength64 = contents.Length - from;
        int length = contents.Length / pieces;
        try
        {
            for (int at = from; at < contents.Length; at += length)
            {
                context.Response.OutputStream.Write(contents.AsSpan(at, Math.Min(length, contents.Length - at)));
                context.Response.OutputStream.Flush();
                Thread.Sleep(10);
            }
        }
        catch (Exception e) when (e is HttpListenerException or IOException)
        {
            // The client went away.
        }
    }

    /// <summary>Answers as the hub does for a file that it holds itself.</summary>
    private static void Serve(HttpListenerContext context, string etag, bool ranges = true)
    {
        HttpListenerResponse response = context.Response;
        Describe(context, etag);
        byte[] body = Contents;
        if (ranges && context.Request.Headers["Range"] is { } range)
        {
            int from = int.Parse(range["bytes=".Length..^1]);
            response.StatusCode = (int)HttpStatusCode.PartialContent;
            response.Headers["Content-Range"] = $"bytes {from}-{body.Length - 1}/{body.Length}";
            body = body[from..];
        }
        response.ContentLength64 = body.Length;
        if (context.Request.HttpMethod == "HEAD")
            return;
        try
        {
            response.OutputStream.Write(body);
        }
        catch (HttpListenerException)
        {
            // The client went away on purpose.
        }
    }

    private static void Die(HttpListenerContext context)
    {
        context.Response.ContentLength64 = Contents.Length;
        context.Response.OutputStream.Write(Contents.AsSpan(0, 120_000));
        context.Response.OutputStream.Flush();
        Thread.Sleep(100); // what was sent arrives before the connection is reset
        context.Response.Abort();
    }

    private sealed class Recorder(List<HubProgress> seen) : IProgress<HubProgress>
    {
        public void Report(HubProgress value) => seen.Add(value);
    }

    private sealed class Canceller(CancellationTokenSource source) : IProgress<HubProgress>
    {
        public void Report(HubProgress value) => source.Cancel();
    }
}
