using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using WebApi;

namespace Bitis.Tests.Packages;

/// <summary>The sample of a server, over a socket.</summary>
public sealed class WebApiTests : IAsyncLifetime, IDisposable
{
    private readonly InferenceSession _session = InferenceSession.Create(VisionModel.LoadShipped("vim-micro-builtin"));
    private readonly HttpClient _client = new();
    private WebApplication? _app;

    public async Task InitializeAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        ClassifyEndpoint.Map(_app, _session);
        await _app.StartAsync();
        _client.BaseAddress = new Uri(_app.Urls.Single());
    }

    public async Task DisposeAsync() => await _app!.DisposeAsync();

    public void Dispose()
    {
        _client.Dispose();
        _session.Dispose();
    }

    [Fact]
    public async Task An_image_is_classified()
    {
        string image = GoldenFiles.Path("images/rgb.png");
        using HttpResponseMessage response = await Post(await File.ReadAllBytesAsync(image));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Prediction[]? answers = await response.Content.ReadFromJsonAsync<Prediction[]>();
        Assert.Equal(_session.Classify(image), answers);
    }

    [Fact]
    public async Task What_is_no_image_is_refused_with_a_message()
    {
        using HttpResponseMessage response = await Post("not an image"u8.ToArray());
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("expected", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_body_that_is_too_long_is_refused()
    {
        using HttpResponseMessage response = await Post(new byte[ClassifyEndpoint.MaxUploadBytes + 1]);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
    }

    private async Task<HttpResponseMessage> Post(byte[] body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/classify", UriKind.Relative));
        request.Content = new ByteArrayContent(body);
        request.Headers.ExpectContinue = true; // the answer is read even if the body is not wanted
        return await _client.SendAsync(request);
    }
}
