namespace Bitis.Checkpoints.Hub;

/// <summary>Where the hub is and where its files are kept; the environment variables are those of Hugging Face's own
/// tools.</summary>
internal sealed record HubOptions
{
    /// <summary>The address of the hub (<c>HF_ENDPOINT</c>).</summary>
    public Uri Endpoint { get; init; } = new("https://huggingface.co");

    /// <summary>The access token for private and gated repositories (<c>HF_TOKEN</c>); null for none.</summary>
    public string? Token { get; init; }

    /// <summary>The cache (<c>HF_HUB_CACHE</c>, or <c>hub</c> in <c>HF_HOME</c>, or
    /// <c>~/.cache/huggingface/hub</c>).</summary>
    public required string CacheFolder { get; init; }

    /// <summary>Whether to use only what is in the cache (<c>HF_HUB_OFFLINE=1</c>).</summary>
    public bool Offline { get; init; }

    /// <summary>How long a server may stay silent before the connection counts as broken.</summary>
    public TimeSpan SilenceLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The bytes that must arrive each second on average of <see cref="SpeedWindow"/>; a server that drips
    /// counts
    /// as broken.</summary>
    internal int MinimumBytesPerSecond { get; init; } = 1024;

    /// <summary>How long the speed is averaged.</summary>
    internal TimeSpan SpeedWindow { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The bytes that are taken of a file whose size the hub does not say.</summary>
    internal long MaxUnannouncedBytes { get; init; } = 1L << 30;

    /// <summary>Reads the options from the environment.</summary>
    /// <exception cref="BitisException"><c>HF_ENDPOINT</c> is not an address.</exception>
    public static HubOptions FromEnvironment() => From(Environment.GetEnvironmentVariable);

    /// <summary>Reads the options from any source of variables.</summary>
    internal static HubOptions From(Func<string, string?> variable)
    {
        string? Get(string name) => variable(name) is { Length: > 0 } value ? value : null;

        string home = Get("HF_HOME") ?? Path.Combine(
            Get("XDG_CACHE_HOME")
                ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
            "huggingface");
        var options = new HubOptions
        {
            CacheFolder = Get("HF_HUB_CACHE") ?? Path.Combine(home, "hub"),
            Token = Get("HF_TOKEN"),
            Offline = Get("HF_HUB_OFFLINE")?.ToUpperInvariant() is "1" or "TRUE" or "YES" or "ON",
        };
        if (Get("HF_ENDPOINT") is not { } endpoint)
            return options;
        return Uri.TryCreate(endpoint, UriKind.Absolute, out Uri? address) && address.Scheme is "https" or "http"
            ? options with { Endpoint = address }
            : throw new BitisException(
                $"HF_ENDPOINT is '{endpoint}'; expected an address such as https://huggingface.co.");
    }
}
