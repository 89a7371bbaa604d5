using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Bitis.Tests.Checkpoints;

/// <summary>An HTTP server on this machine that answers as the test says and remembers what it was asked.</summary>
internal sealed class LoopbackServer : IDisposable
{
    private readonly HttpListener _listener = new();

    public LoopbackServer(Action<HttpListenerContext> answer)
    {
        using (var probe = new TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            Address = new Uri($"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/");
        }
        _listener.Prefixes.Add(Address.AbsoluteUri);
        _listener.Start();
        _ = RunAsync(answer);
    }

    public Uri Address { get; }

    /// <summary>Method, path, Range and Authorization of each request.</summary>
    public ConcurrentQueue<(string Method, string Path, string? Range, string? Authorization)> Requests { get; } = [];

    public void Dispose() => _listener.Close();

    private async Task RunAsync(Action<HttpListenerContext> answer)
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
            HttpListenerRequest request = context.Request;
            Requests.Enqueue(
                (request.HttpMethod, request.RawUrl!, request.Headers["Range"], request.Headers["Authorization"]));
            answer(context);
            try
            {
                context.Response.Close();
            }
            catch (Exception e) when (
                e is HttpListenerException or ObjectDisposedException or InvalidOperationException)
            {
                // The test broke the connection on purpose.
            }
        }
    }
}
