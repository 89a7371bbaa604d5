using System.Diagnostics;
using System.Net;

namespace Bitis.Checkpoints.Hub;

/// <summary>Downloads one file, and resumes an earlier download that was interrupted.</summary>
/// <remarks>
/// The contents go to <c>BLOB.incomplete</c>, which is renamed to its final name once size and checksum are right. It
/// takes no more bytes than the hub announced (1 GiB where it announced none) and makes at most 100 requests. It gives
/// up if the server is silent or too slow.
/// </remarks>
/// <param name="options">The limits for silence and speed of the server.</param>
/// <param name="send">Sends a request: method, address, first byte to send.</param>
internal sealed class HubDownload(
    HubOptions options, Func<HttpMethod, Uri, long, CancellationToken, Task<HttpResponseMessage>> send)
{
    private const int MaxAttempts = 100;
    private const int MaxFruitlessAttempts = 3;
    private const int BufferLength = 1 << 17;

    /// <summary>An attempt with fewer bytes counts as failed, unless they complete the file.</summary>
    private const int MinimumGain = 1 << 16;

    /// <summary>Downloads until the file is complete.</summary>
    /// <exception cref="BitisException">
    /// The connection broke too often, or the contents do not match the hub's size or checksum.
    /// </exception>
    public async Task RunAsync(
        HubReference reference,
        HubFileInfo info,
        string blobPath,
        IProgress<HubProgress>? progress,
        CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(blobPath)!);
        string partPath = blobPath + ".incomplete";
        await using (FileStream part = OpenPart(reference, partPath))
        {
            await FetchAsync(reference, info, part, progress, cancellationToken);
            if (!await HubChecksum.MatchesAsync(part, info.ETag, cancellationToken))
            {
                part.SetLength(0);
                throw new BitisException(
                    $"{reference}: the downloaded contents do not match the hub's checksum {info.ETag}; "
                    + "they were discarded. Try again; if it happens again, something on the way alters the data.");
            }
            part.Flush(flushToDisk: true);
        }
        File.Move(partPath, blobPath, overwrite: true);
    }

    /// <summary>Opens the part without sharing, so that two processes do not download the same file.</summary>
    private static FileStream OpenPart(HubReference reference, string path)
    {
        try
        {
            return new FileStream(
                path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.Asynchronous);
        }
        catch (IOException e) when (File.Exists(path))
        {
            throw new BitisException(
                $"{reference}: another process is downloading this file ('{path}' is in use); wait for it.", e);
        }
    }

    private async Task FetchAsync(
        HubReference reference,
        HubFileInfo info,
        FileStream part,
        IProgress<HubProgress>? progress,
        CancellationToken cancellationToken)
    {
        if (part.Length > info.Length)
            part.SetLength(0);
        // Without a checksum, a rest from another version of the file would not be detected.
        bool resumes = HubChecksum.IsChecksum(info.ETag);
        int attempts = 0, fruitless = 0;
        // A complete part only needs its check: an earlier attempt was stopped just before it.
        while (part.Length == 0 ? info.Length != 0 : part.Length != info.Length || !resumes)
        {
            if (!resumes)
                part.SetLength(0);
            long before = part.Length;
            Exception? failure = null;
            try
            {
                using HttpResponseMessage response = await send(
                    HttpMethod.Get, info.Location, before, cancellationToken);
                long start = StartOf(reference, response, info, part);
                await CopyAsync(response, part, start, info.Length, progress, cancellationToken);
                if (part.Length == info.Length || (info.Length is null && part.Length <= options.MaxUnannouncedBytes))
                    return;
                if (info.Length is null || part.Length > info.Length)
                {
                    part.SetLength(0);
                    throw new BitisException(info.Length is null
                        ? $"{reference}: the hub does not say how large the file is, and the server sends more than "
                            + $"{options.MaxUnannouncedBytes} bytes; download it in another way and give its path."
                        : $"{reference}: the server sends more than the {info.Length} bytes that the hub announced.");
                }
            }
            catch (Exception e) when (IsBroken(e, cancellationToken))
            {
                failure = e; // resume
            }
            bool isFruitless = !resumes || part.Length - before < MinimumGain;
            if (++attempts == MaxAttempts || (isFruitless && ++fruitless == MaxFruitlessAttempts))
                throw Broken(reference, info, part, failure);
        }
    }

    /// <summary>The position in the file at which the response begins: after the existing part, or 0.</summary>
    private static long StartOf(HubReference reference, HttpResponseMessage response, HubFileInfo info, FileStream part)
    {
        if (response.Content.Headers.ContentEncoding.FirstOrDefault(coding => coding != "identity") is { } coding)
        {
            throw new BitisException(
                $"{reference}: {info.Location.Host} sends the contents in the coding '{coding}', which was not asked "
                + "for; something on the way alters the data.");
        }
        if (response is { IsSuccessStatusCode: true, Content.Headers.ContentType.MediaType: "text/html" }
            && !reference.File.EndsWith(".html", StringComparison.OrdinalIgnoreCase))
        {
            throw new BitisException(
                $"{reference}: {info.Location.Host} sends a web page (HTML) instead of the file: a login, a consent "
                + "or a proxy's page; open the hub in a browser on this network to see which.");
        }
        switch (response.StatusCode)
        {
            case HttpStatusCode.PartialContent
                when response.Content.Headers.ContentRange is { } range && range.From == part.Length
                    && (range.Length is null || info.Length is null || range.Length == info.Length):
                return part.Length;
            case HttpStatusCode.OK // a server without range requests sends everything
                when response.Content.Headers.ContentLength is not { } length
                    || info.Length is null || length == info.Length:
                return 0;
            case HttpStatusCode.OK: // not our file, such as an error page: try again, and keep the part
                throw new HttpRequestException("the server announced another length than the hub");
            case HttpStatusCode.PartialContent:
            case HttpStatusCode.RequestedRangeNotSatisfiable:
                part.SetLength(0);
                throw new HttpRequestException(
                    $"the server answered the request for the rest with {(int)response.StatusCode} and another range");
            default:
                throw new BitisException(
                    $"{reference}: {info.Location.Host} answered {(int)response.StatusCode} {response.ReasonPhrase}; "
                    + "try again later.");
        }
    }

    private async Task CopyAsync(
        HttpResponseMessage response,
        FileStream part,
        long start,
        long? total,
        IProgress<HubProgress>? progress,
        CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.SilenceLimit);
        await using Stream body = await response.Content.ReadAsStreamAsync(limit.Token);
        byte[] buffer = new byte[BufferLength];
        bool first = true;
        var window = Stopwatch.StartNew();
        long windowBytes = 0;
        while (true)
        {
            limit.CancelAfter(options.SilenceLimit);
            int count;
            try
            {
                count = await body.ReadAsync(buffer, limit.Token);
            }
            catch (IOException e) when (e is not HttpIOException)
            {
                // Distinguishes a broken connection from a full disk, which is an IOException, too.
                throw new HttpRequestException(e.Message, e);
            }
            if (count == 0 || part.Length > (total ?? options.MaxUnannouncedBytes))
                return;
            windowBytes += count;
            if (window.Elapsed >= options.SpeedWindow)
            {
                if (windowBytes < options.MinimumBytesPerSecond * window.Elapsed.TotalSeconds)
                {
                    throw new HttpRequestException(
                        $"the server sends less than {options.MinimumBytesPerSecond} bytes a second");
                }

                window.Restart();
                windowBytes = 0;
            }
            // The part of an earlier attempt is discarded only when there are new bytes.
            if (first)
                part.SetLength(start);
            first = false;
            part.Position = part.Length;
            await part.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
            progress?.Report(new HubProgress(part.Length, total));
        }
    }

    private static bool IsBroken(Exception e, CancellationToken cancellationToken) =>
        e is HttpRequestException or HttpIOException
        || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested);

    private static BitisException Broken(HubReference reference, HubFileInfo info, FileStream part, Exception? cause)
    {
        string total = info.Length?.ToString() ?? "an unknown number of";
        string reason = cause switch
        {
            null => "",
            OperationCanceledException => " (the server was silent for too long)",
            _ => $" ({cause.Message.TrimEnd('.')})",
        };
        string kept = HubChecksum.IsChecksum(info.ETag)
            ? "what has arrived is kept: run the command again to resume."
            : "run the command again; without a checksum from the hub it starts anew.";
        string message = $"{reference}: the download broke off at {part.Length} of {total} bytes{reason}; {kept}";
        return cause is null ? new BitisException(message) : new BitisException(message, cause);
    }
}
