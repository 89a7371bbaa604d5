using System.Security.Cryptography;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Hub;
using Bitis.Checkpoints.Safetensors;

namespace Bitis.Tests.Checkpoints;

/// <summary>A model in several files on the hub: the files that its index names come with it.</summary>
public sealed class HubModelTests : IDisposable
{
    private const string Folder = "/owner/name/resolve/main/sub/";
    private static readonly string FirstCommit = new('1', 40), SecondCommit = new('2', 40);

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_files_that_an_index_names_come_with_it()
    {
        using LoopbackServer server = Serve(_ => FirstCommit);
        using var client = new HubClient(new HubOptions { Endpoint = server.Address, CacheFolder = _folder["cache"] });
        string path = await client.DownloadModelAsync(Index());
        using Checkpoint checkpoint = Checkpoint.Open(path);
        Assert.Equal(["a", "b"], checkpoint.Entries.Select(entry => entry.Name));
        Assert.Equal(3, checkpoint.Files.Count);
    }

    [Fact]
    public async Task Files_of_different_commits_are_refused()
    {
        using LoopbackServer server = Serve(name => name == "b.safetensors" ? SecondCommit : FirstCommit);
        using var client = new HubClient(new HubOptions { Endpoint = server.Address, CacheFolder = _folder["cache"] });
        var e = await Assert.ThrowsAsync<BitisException>(() => client.DownloadModelAsync(Index()));
        Assert.Contains("sub/b.safetensors: the repository changed", e.Message);
    }

    private static HubReference Index()
    {
        Assert.True(HubReference.TryParse("hf:owner/name/sub/model.safetensors.index.json", out HubReference? index));
        return index;
    }

    private LoopbackServer Serve(Func<string, string> commitOf)
    {
        var files = new Dictionary<string, byte[]>
        {
            ["model.safetensors.index.json"] =
                [.. "{\"weight_map\":{\"a\":\"a.safetensors\",\"b\":\"b.safetensors\"}}"u8],
        };
        foreach (string name in (string[])["a", "b"])
        {
            SafetensorsWriter.Write(_folder[name], [new(name, DType.Float32, [1], TorchFiles.Floats(name[0]))]);
            files[$"{name}.safetensors"] = File.ReadAllBytes(_folder[name]);
        }
        return new LoopbackServer(context =>
        {
            string name = context.Request.Url!.AbsolutePath[Folder.Length..];
            byte[] body = files[name];
            context.Response.Headers["X-Repo-Commit"] = commitOf(name);
            context.Response.Headers["ETag"] = $"\"{Convert.ToHexStringLower(SHA256.HashData(body))}\"";
            context.Response.ContentLength64 = body.Length;
            if (context.Request.HttpMethod != "HEAD")
                context.Response.OutputStream.Write(body);
        });
    }
}
