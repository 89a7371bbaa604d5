using Bitis;
using Bitis.Imaging;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace WebApi;

/// <summary><c>POST /classify</c>: the body is an image file, and the answer its most probable classes.</summary>
internal static class ClassifyEndpoint
{
    /// <summary>The longest body that is accepted, in bytes.</summary>
    public const int MaxUploadBytes = 8 << 20;

    private const int Answers = 5;

    /// <summary>Adds the endpoint to an application.</summary>
    /// <param name="app">The application.</param>
    /// <param name="session">The model. All requests share it: up to four run side by side, and others wait.</param>
    public static void Map(WebApplication app, InferenceSession session) =>
        app.MapPost(
                "/classify",
                (HttpRequest request, CancellationToken cancellationToken) =>
                    ClassifyAsync(session, request.Body, cancellationToken))
            .WithMetadata(new RequestSizeLimitAttribute(MaxUploadBytes));

    /// <param name="session">The model.</param>
    /// <param name="body">The image file.</param>
    /// <param name="cancellationToken">Cancelled if the client goes away, which ends waiting and reading.</param>
    private static async Task<Results<Ok<IReadOnlyList<Prediction>>, ProblemHttpResult>> ClassifyAsync(
        InferenceSession session, Stream body, CancellationToken cancellationToken)
    {
        try
        {
            return TypedResults.Ok(await session.ClassifyAsync(body, Answers, cancellationToken));
        }
        catch (BitisException e)
        {
            return TypedResults.Problem(e.Message, statusCode: StatusCodes.Status400BadRequest);
        }
        catch (BadHttpRequestException e)
        {
            return TypedResults.Problem(e.Message, statusCode: e.StatusCode); // the body is too long, or was cut off
        }
    }
}
