using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Bitis.Checkpoints.Folders;

namespace Bitis.Checkpoints.Hub;

/// <summary>Downloads files from the Hugging Face hub into its usual cache.</summary>
/// <remarks>
/// A broken download resumes where it ended, contents are checked against the hub's checksum before they appear, and
/// what is in the cache works without a network.
/// </remarks>
public sealed class HubClient : IDisposable
{
    private const int MaxRedirects = 5;

    private readonly HubOptions _options;
    private readonly HttpClient _http;

    /// <summary>Creates a client that finds hub, token and cache as the hub's own tools do.</summary>
    /// <remarks>
    /// The environment says where they are: <c>HF_ENDPOINT</c>, <c>HF_TOKEN</c>, <c>HF_HUB_CACHE</c>, <c>HF_HOME</c>,
    /// <c>HF_HUB_OFFLINE</c>.
    /// </remarks>
    public HubClient()
        : this(HubOptions.FromEnvironment())
    {
    }

    /// <summary>Creates a client.</summary>
    /// <param name="options">Where the hub and the cache are.</param>
    internal HubClient(HubOptions options)
    {
        _options = options;
        // Redirects are followed by hand: the first answer carries the checksum, and the token must not leave the hub.
        _http = new HttpClient(
            new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = _options.SilenceLimit })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("bitis", "0.1"));
        // The checksums and sizes are those of the contents as they are.
        _http.DefaultRequestHeaders.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
    }

    /// <summary>Finds a model in the cache, or downloads it; of an index also the files that it names.</summary>
    /// <param name="reference">The model: <c>hf:owner/name/file</c>, or <c>hf:owner/name@revision/file</c>.</param>
    /// <param name="progress">Told as bytes arrive, in kB.</param>
    /// <param name="cancellationToken">Stops; what has arrived is kept for the next attempt.</param>
    /// <returns>The path of the file in the cache.</returns>
    /// <exception cref="BitisException">
    /// This is no such reference, or the hub does not have the file, asks for a token, cannot be reached, or sent
    /// something damaged.
    /// </exception>
    public Task<string> DownloadModelAsync(
        string reference, IProgress<WorkProgress>? progress = null, CancellationToken cancellationToken = default) =>
        HubReference.TryParse(reference, out HubReference? parsed)
            ? DownloadModelAsync(parsed, progress is null ? null : new Kilobytes(progress), cancellationToken)
            : throw new BitisException($"'{reference}' is not a hub reference; expected hf:owner/name/file.");

    /// <summary>As <see cref="DownloadAsync"/>; of an index also the files that it names, beside it.</summary>
    /// <param name="reference">The file of a model.</param>
    /// <param name="progress">Told as bytes arrive.</param>
    /// <param name="cancellationToken">Stops; what has arrived is kept for the next attempt.</param>
    /// <returns>The path of the file in the cache.</returns>
    /// <exception cref="BitisException">As there, or the repository changes meanwhile.</exception>
    internal async Task<string> DownloadModelAsync(
        HubReference reference, IProgress<HubProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        string path = await DownloadAsync(reference, progress, cancellationToken).ConfigureAwait(false);
        string folder = reference.File[..(reference.File.LastIndexOf('/') + 1)];
        foreach (string part in ModelFolder.PartsOf(path))
        {
            HubReference other = reference with { File = folder + part };
            string partPath = await DownloadAsync(other, progress, cancellationToken).ConfigureAwait(false);
            if (Path.GetDirectoryName(partPath) != Path.GetDirectoryName(path))
            {
                throw new BitisException(
                    $"{other}: the repository changed after its index was downloaded; run the command again.");
            }
        }
        return path;
    }

    /// <summary>Finds a file in the cache, or downloads it.</summary>
    /// <param name="reference">The file.</param>
    /// <param name="progress">Told as bytes arrive; not at all when the cache has the file.</param>
    /// <param name="cancellationToken">Stops; the part that has arrived is kept for the next attempt.</param>
    /// <returns>The path of the file in the cache.</returns>
    /// <exception cref="BitisException">
    /// The hub does not have the file, asks for a token, cannot be reached, or sent something damaged.
    /// </exception>
    internal async Task<string> DownloadAsync(
        HubReference reference, IProgress<HubProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reference);
        var cache = new HubCache(_options.CacheFolder, reference);
        try
        {
            string? cached = cache.Find();
            if (cached is not null && (_options.Offline || cache.IsPinned))
                return cached;
            if (_options.Offline)
            {
                throw new BitisException(
                    $"{reference}: not in the cache '{_options.CacheFolder}', and HF_HUB_OFFLINE is set. "
                    + $"{Alternatives}");
            }

            HubFileInfo info;
            try
            {
                info = await AskAsync(reference, cancellationToken);
            }
            catch (Exception e) when (cached is not null && IsNetworkFailure(e, cancellationToken))
            {
                return cached;
            }
            if (!File.Exists(cache.BlobPath(info.ETag)))
            {
                var download = new HubDownload(_options, SendAsync);
                await download.RunAsync(reference, info, cache.BlobPath(info.ETag), progress, cancellationToken);
            }
            return cache.Publish(info);
        }
        catch (Exception e) when (IsNetworkFailure(e, cancellationToken))
        {
            throw new BitisException(
                $"{reference}: the hub {_options.Endpoint} cannot be reached: {e.Message.TrimEnd('.')}. {Alternatives}",
                e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BitisException(
                $"{reference}: the cache '{_options.CacheFolder}' cannot be used: {e.Message} "
                + "Set HF_HUB_CACHE to a folder with enough space that you may write to.", e);
        }
    }

    /// <inheritdoc />
    public void Dispose() => _http.Dispose();

    private const string Alternatives =
        "Without a network, copy the file from elsewhere and give its path, or fill the cache on another machine "
        + "and point HF_HUB_CACHE to a copy of it.";

    private static bool IsNetworkFailure(Exception e, CancellationToken cancellationToken) =>
        e is HttpRequestException or TimeoutException
        || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested);

    /// <summary>Asks for commit, checksum, size and place of a file.</summary>
    private async Task<HubFileInfo> AskAsync(HubReference reference, CancellationToken cancellationToken)
    {
        string file = string.Join('/', reference.File.Split('/').Select(Uri.EscapeDataString));
        var address = new Uri(
            $"{_options.Endpoint.AbsoluteUri.TrimEnd('/')}/{reference.Owner}/{reference.Name}"
            + $"/resolve/{reference.Revision}/{file}");
        for (int redirects = 0; redirects <= MaxRedirects; redirects++)
        {
            using HttpResponseMessage response = await SendAsync(HttpMethod.Head, address, 0, cancellationToken);
            Uri? next = NextAddress(address, response);
            // A renamed repository answers with a redirect within the hub, and without a checksum.
            if (next is not null && IsHub(next) && Header(response, "X-Linked-ETag") is null)
            {
                address = next;
                continue;
            }
            if (next is null && !response.IsSuccessStatusCode)
                throw Refused(reference, response);
            string etag = (Header(response, "X-Linked-ETag") ?? Header(response, "ETag") ?? "")
                .Replace("W/", "", StringComparison.Ordinal).Trim('"');
            string commit = Header(response, "X-Repo-Commit") ?? "";
            // Both become names of files.
            if (!HubReference.IsSafeName(etag) || !HubCache.IsCommit(commit))
            {
                throw new BitisException(
                    $"{reference}: {address.Host} did not answer as a Hugging Face hub does (no checksum or commit); "
                    + "check HF_ENDPOINT.");
            }

            long? length = long.TryParse(
                Header(response, "X-Linked-Size"), NumberStyles.None, CultureInfo.InvariantCulture, out long size)
                ? size
                : next is null ? response.Content.Headers.ContentLength : null;
            if (length is null && !HubChecksum.IsChecksum(etag))
            {
                throw new BitisException(
                    $"{reference}: {address.Host} gives neither a checksum nor the size of the file, so that nothing "
                    + "shows whether "
                    + "it arrives whole; check HF_ENDPOINT, or download the file in another way and give its path.");
            }
            return new HubFileInfo(commit, etag, length, next ?? address);
        }
        throw new BitisException($"{reference}: the hub redirects more than {MaxRedirects} times.");
    }

    /// <summary>Sends one request, with the token only to the hub itself, and waits for the answer's headers.</summary>
    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, Uri address, long offset, CancellationToken cancellationToken)
    {
        for (int redirects = 0; ; redirects++)
        {
            using var request = new HttpRequestMessage(method, address);
            if (offset > 0)
                request.Headers.Range = new RangeHeaderValue(offset, null);
            if (_options.Token is not null && IsHub(address))
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _options.Token);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(_options.SilenceLimit);
            HttpResponseMessage response = await _http.SendAsync(
                request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            Uri? next = method == HttpMethod.Head || redirects == MaxRedirects ? null : NextAddress(address, response);
            if (next is null)
                return response;
            response.Dispose();
            address = next;
        }
    }

    private bool IsHub(Uri address) => Uri.Compare(
        address,
        _options.Endpoint,
        UriComponents.SchemeAndServer,
        UriFormat.Unescaped,
        StringComparison.OrdinalIgnoreCase) == 0;

    /// <summary>Where a redirect leads; null for other answers, and where it leads from an encrypted address to another
    /// kind.</summary>
    private static Uri? NextAddress(Uri address, HttpResponseMessage response) =>
        (int)response.StatusCode is >= 300 and < 400 && response.Headers.Location is { } location
        && Uri.TryCreate(address, location, out Uri? next)
        && (
            next.Scheme == Uri.UriSchemeHttps
                || (next.Scheme == Uri.UriSchemeHttp && address.Scheme == Uri.UriSchemeHttp))
            ? next
            : null;

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out IEnumerable<string>? values) ? values.FirstOrDefault() : null;

    private static BitisException Refused(HubReference reference, HttpResponseMessage response)
    {
        string code = Header(response, "X-Error-Code") ?? "";
        return new BitisException($"{reference}: " + (response.StatusCode, code) switch
        {
            (HttpStatusCode.NotFound, "RevisionNotFound") =>
                $"the repository has no revision '{reference.Revision}' (404).",
            (HttpStatusCode.NotFound, "EntryNotFound") =>
                $"the repository has no file '{reference.File}' (404); see its file list.",
            (HttpStatusCode.NotFound, _) =>
                "the hub has no such repository, revision or file (404); check the spelling. "
                + "A private repository needs a token in HF_TOKEN.",
            (HttpStatusCode.Unauthorized, _) =>
                "the hub asks for a valid token (401): the repository is private, gated, or does not exist. "
                + "Set HF_TOKEN, or download the file in a browser and give its path.",
            (HttpStatusCode.Forbidden, _) =>
                "the hub denies access (403): accept the repository's terms on its page, "
                + "and set HF_TOKEN to a token that may read it.",
            _ =>
                $"the hub answered {(int)response.StatusCode} {response.ReasonPhrase}; try again later. {Alternatives}",
        });
    }

    private sealed class Kilobytes(IProgress<WorkProgress> progress) : IProgress<HubProgress>
    {
        public void Report(HubProgress value) =>
            progress.Report(new WorkProgress("downloading, kB", value.Bytes / 1000, (value.TotalBytes ?? 0) / 1000));
    }
}
